import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { S3Client } from "@aws-sdk/client-s3";
import type { Tier } from "../contract/tiers.ts";
import { isSafe } from "./endpoint.ts";
import { StoreFault } from "./fault.ts";
import type { Profile } from "./s3-profile.ts";

/** Objects that are moved at once; a backup puts a few. */
const CONNECTIONS = 16;
const CONNECT_MS = 10_000;

/** `clockAheadMs`: this machine's clock minus the store's, by the last answer; null: there was none. */
export type TierClient = { readonly client: S3Client; readonly clockAheadMs: () => number | null };

type Place = { readonly tier: Tier; readonly address: string };

/**
 * The client of one tier. Credentials, region and endpoint come from the profile, or from the standard AWS_* names by the
 * client's own order of sources.
 * It tries each request once: a body that is a stream cannot be sent again, so what is tried again is decided above it.
 */
export function createClient(
  { isPathStyle, profile }: { readonly isPathStyle: boolean; readonly profile: Profile | null },
  place: Place,
): TierClient {
  const options = { keepAlive: true, maxSockets: CONNECTIONS } as const;
  const client = new S3Client({
    maxAttempts: 1,
    forcePathStyle: isPathStyle,
    ...(profile === null ? {} : { profile: profile.name }),
    ...(profile?.region ? { region: profile.region } : {}),
    ...(profile?.endpoint ? { endpoint: profile.endpoint } : {}),
    // checksums are given by name: SHA-256 of what is put, and the manifest's of what is read
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      httpAgent: new HttpAgent(options),
      // said even though it is the default: NODE_TLS_REJECT_UNAUTHORIZED=0 would switch the check off
      httpsAgent: new HttpsAgent({ ...options, rejectUnauthorized: true }),
    },
    logger: SILENT,
  });
  // an endpoint can come from the files of Amazon's tools too, which no setting of ours has read
  client.middlewareStack.add(
    (next) => async (given) => {
      const request = given.request as { readonly protocol: string; readonly hostname: string };
      if (!isSafe(request)) throw unsafe(request.hostname, place);
      return next(given);
    },
    { step: "build", name: "r3aSafeEndpoint" },
  );
  let aheadMs: number | null = null;
  client.middlewareStack.add(
    (next) => async (given) => {
      const answer = await next(given);
      const { headers } = answer.response as { readonly headers?: Readonly<Record<string, string>> };
      const date = Date.parse(headers?.date ?? "");
      if (!Number.isNaN(date)) aheadMs = Date.now() - date;
      return answer;
    },
    // the answer of a request that is refused passes here too
    { step: "deserialize", name: "r3aClock", priority: "low" },
  );
  return { client, clockAheadMs: () => aheadMs };
}

/** Its lines would hold requests; what went wrong is in its errors. */
const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

function unsafe(host: string, place: Place): StoreFault {
  const text = `the endpoint of S3 begins with http, and ${host} is not this machine; give it TLS, and the authority of its certificate by NODE_EXTRA_CA_CERTS`;
  return new StoreFault("refused", text, { ...place, key: "" });
}
