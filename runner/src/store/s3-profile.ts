import { open } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { messageOf, SettingsFault } from "../errors.ts";

/** A profile in the files of Amazon's tools: its name, and where its requests go. null: as the environment says. */
export type Profile = {
  readonly name: string;
  readonly region: string | null;
  readonly endpoint: string | null;
};

/** A file of ten profiles has 2 kB. */
const MOST_BYTES = 256 * 1024;

/** BACKUP_HOT_PROFILE and its likes. */
export function parseProfileName(text: string): string {
  if (/^[\w.@+-]{1,100}$/.test(text)) return text;
  throw new Error(
    `must be the name of a profile, of letters, digits and . _ @ + -, not ${JSON.stringify(text.slice(0, 100))}`,
  );
}

/**
 * Reads region and endpoint of a profile, which the client by itself takes from the environment first: a second provider
 * would get the requests with the region that a cluster sets for the first. The credentials are left to the client.
 * `path`: AWS_CONFIG_FILE; null: where Amazon's tools look. Throws a SettingsFault.
 */
export async function readProfile(name: string, path: string | null): Promise<Profile> {
  const file = path ?? join(homedir(), ".aws", "config");
  const fields = readSection(await readBounded(file, name), name === "default" ? name : `profile ${name}`);
  if (fields === null)
    throw new SettingsFault([`${file} has no profile ${name}: add the section [profile ${name}] to it`]);
  return { name, region: fields.get("region") ?? null, endpoint: fields.get("endpoint_url") ?? null };
}

async function readBounded(path: string, name: string): Promise<string> {
  try {
    const file = await open(path, "r");
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
      return buffer.toString("utf8", 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new SettingsFault([
      `profile ${name}: ${path} cannot be read (${messageOf(error)}): name the file by AWS_CONFIG_FILE`,
    ]);
  }
}

/** The fields of a section of an INI file; null: it is not there. Fields of fields are indented, and left out. */
function readSection(text: string, section: string): ReadonlyMap<string, string> | null {
  let fields: Map<string, string> | null = null;
  let isWithin = false;
  for (const line of text.split(/\r?\n/)) {
    const [, title] = /^\[\s*([^\]]*?)\s*\]/.exec(line) ?? [];
    if (title !== undefined) isWithin = title.replaceAll('"', "").replace(/\s+/g, " ") === section;
    if (!isWithin) continue;
    fields ??= new Map();
    const [, key, value] = /^([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && value) fields.set(key.toLowerCase(), value);
  }
  return fields;
}
