import { fileURLToPath } from "node:url";
import { TIERS, type Tier } from "../contract/tiers.ts";
import { isKey } from "./key.ts";

/** Where a tier is. `prefix`: "" or names divided by `/`, without one at its ends. */
export type TierAddress =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "s3"; readonly bucket: string; readonly prefix: string };

/** The tiers that are set; null: the tier is not used. */
export type TierAddresses = Readonly<Record<Tier, TierAddress | null>>;

const FORMS = "must be file:///FOLDER or s3://BUCKET/PREFIX";
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** Of the prefix a person decides, who may like capitals. */
const LONGEST_PREFIX = 200;

/** Reads BACKUP_HOT, BACKUP_WARM or BACKUP_COLD. The sentence that it throws holds no credentials. */
export function parseTierAddress(text: string): TierAddress {
  if (/[@?#\s\p{C}\\]/u.test(text))
    throw new Error(
      `${FORMS} without credentials, query, fragment and blanks (its value is not shown); credentials of S3 are read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from the workload's identity`,
    );
  if (text.startsWith("file:")) return parseFolder(text);
  if (text.startsWith("s3:")) return parseS3(text);
  throw new Error(`${FORMS}, not ${JSON.stringify(text.slice(0, 100))}`);
}

function parseFolder(text: string): TierAddress {
  const shown = JSON.stringify(text.slice(0, 100));
  if (!text.startsWith("file:///") || !URL.canParse(text))
    throw new Error(`must be an absolute path with three slashes, file:///FOLDER, not ${shown}`);
  const path = pathOf(new URL(text)).replace(/\/+/g, "/").replace(/\/$/, "");
  if (path === "") throw new Error("must be a folder of its own, not the root of the file system");
  if (/[\p{C}]/u.test(path)) throw new Error("must be a path without control characters");
  return { kind: "folder", path };
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new Error("must be a path whose % are written as %25 and which has no %2F", { cause: error });
  }
}

function parseS3(text: string): TierAddress {
  const [, bucket = "", rest = ""] = /^s3:\/\/([^/]*)\/*(.*)$/.exec(text) ?? [];
  if (!BUCKET.test(bucket) || bucket.includes(".."))
    throw new Error(
      `must name a bucket as S3 does, 3 to 63 small letters, digits, dots and hyphens: s3://BUCKET/PREFIX, not ${JSON.stringify(text.slice(0, 100))}`,
    );
  const prefix = rest.replace(/\/+$/, "");
  if (prefix !== "" && (prefix.length > LONGEST_PREFIX || !isKey(prefix.toLowerCase())))
    throw new Error(
      `must have a prefix of letters, digits, dots, hyphens, underscores and single slashes, not ${JSON.stringify(prefix.slice(0, 100))}`,
    );
  return { kind: "s3", bucket, prefix };
}

export function renderAddress(address: TierAddress): string {
  if (address.kind === "folder") return `file://${address.path}`;
  return `s3://${address.bucket}${address.prefix === "" ? "" : `/${address.prefix}`}`;
}

/**
 * A sentence for each two tiers of which one is or holds the other. Two copies in one place are one copy, and a tier inside
 * another would be listed as part of it.
 */
export function listClashes(addresses: TierAddresses): readonly string[] {
  return TIERS.flatMap((tier, index) =>
    TIERS.slice(0, index).flatMap((other) => {
      const [here, there] = [addresses[tier], addresses[other]];
      if (here === null || there === null) return [];
      const [own, others] = [`${renderAddress(here)}/`, `${renderAddress(there)}/`];
      const names = [tier, other].map((each) => `BACKUP_${each.toUpperCase()}`);
      if (own === others) return [`${names[0]} is the same place as ${names[1]}: give each tier its own`];
      if (own.startsWith(others))
        return [`${names[0]} lies inside ${names[1]}: give each tier its own place`];
      if (others.startsWith(own))
        return [`${names[1]} lies inside ${names[0]}: give each tier its own place`];
      return [];
    }),
  );
}
