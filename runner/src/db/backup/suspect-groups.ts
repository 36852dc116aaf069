import type { Interval } from "../../contract/intervals.ts";
import type { Reader } from "../session.ts";
import { boundedMs, msOf } from "../sql-time.ts";
import type { SuspectKind } from "./ledger.ts";

/**
 * Open suspects of one part and kind. `from`, `last`: open times in ms of the first and the last candle; null where it is only
 * known that some candle of the part differs. `all`: open suspects of every group; `groups`: how many groups there are.
 */
export type SuspectGroup = {
  readonly leaf: string;
  readonly symbol: string;
  readonly interval: Interval;
  readonly kind: SuspectKind;
  readonly count: number;
  readonly from: number | null;
  readonly last: number | null;
  readonly foundAt: number;
  readonly all: number;
  readonly groups: number;
};

/** Those that were found first come first. $1 how many groups. */
const LIST_GROUPS = `
  select leaf, symbol, "interval", kind, count::float8 as count,
         case when "isWhole" then null else ${boundedMs("first_at")} end as "from",
         case when "isWhole" then null else ${boundedMs("last_at")} end as last,
         ${msOf("found")} as "foundAt", (sum(count) over ())::float8 as "all", (count(*) over ())::float8 as groups
  from (
    select s.leaf, coalesce(c.symbol, 'coin ' || s.coin_id) as symbol, s."interval", s.kind, count(*) as count,
           bool_or(s.at is null) as "isWhole", min(s.at) as first_at, max(s.at) as last_at, min(s.found_at) as found
    from r3a.backup_suspect s left join r3a.coin c on c.id = s.coin_id
    where s.state = 'open' group by 1, 2, 3, 4
  ) g order by found, leaf, symbol, "interval", kind limit $1`;

export async function listSuspectGroups(client: Reader, most: number): Promise<readonly SuspectGroup[]> {
  return (await client.query<SuspectGroup>(LIST_GROUPS, [most])).rows;
}
