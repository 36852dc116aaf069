import type { Tier } from "../../contract/tiers.ts";
import type { OwnClient, Reader } from "../session.ts";
import { msOf } from "../sql-time.ts";

const VERIFIED = `
  select c.key, ${msOf("c.verified_at")} as "verifiedAt" from r3a.backup_copy c where c.tier = $1 and c.key = any($2)`;

/** When each of these objects was last read from the tier and was right (ms), by its key. */
export async function listVerified(
  client: Reader,
  { tier, keys }: { readonly tier: Tier; readonly keys: readonly string[] },
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query<{ key: string; verifiedAt: number }>(VERIFIED, [tier, keys]);
  return new Map(rows.map(({ key, verifiedAt }) => [key, verifiedAt]));
}

const VERIFIED_SINCE = `
  select c.key, c.tier from r3a.backup_copy c where c.key = any($1) and c.verified_at >= to_timestamp($2::float8 / 1000)`;

/** Which tiers gave which of the objects whole since then (ms). */
export async function listVerifiedSince(
  client: OwnClient,
  keys: readonly string[],
  since: number,
): Promise<readonly { readonly key: string; readonly tier: Tier }[]> {
  return client.query<{ key: string; tier: Tier }>(VERIFIED_SINCE, [keys, since]);
}
