import pg from "pg";
import type { Interval } from "../../contract/intervals.ts";
import { codeOf } from "../fault.ts";
import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";
import { UNDEFINED_TABLE } from "../sqlstate.ts";

/** A leaf by its name, with the intervals that it holds. */
export type OpenLeaf = { readonly name: string; readonly intervals: readonly Interval[] };

export const SET_TIMEOUTS = `set local lock_timeout = '3s'; set local statement_timeout = '60s'`;

/**
 * The series' newest candle in the leaf, if it is not older than what the table says: one probe of the primary key, which
 * ends at the first candle; without the bound it reads the whole page, which takes three times as long. The leaf by its
 * own name: through the parents the planner would also open what was made ahead (a third of the time of a new connection).
 */
const NEWEST_IN_LEAF = ({ name }: OpenLeaf) => `(
  select t."timestamp" from r3a.${pg.escapeIdentifier(name)} t
  where t.coin_id = k.coin_id and t."interval" = k."interval" and t."timestamp" >= k.last_ts
  order by t."timestamp" desc limit 1)`;

/**
 * For a row `k` of key and last_ts. Of its own leaves alone, newest first, and no further than the first that answers: a
 * union over all leaves took twice the time. Null where no leaf of its interval is there.
 */
export const NEWEST = (leaves: readonly OpenLeaf[]) => {
  const byIntervals = Map.groupBy(leaves, ({ intervals }) =>
    intervals.map((interval) => `k."interval" = ${pg.escapeLiteral(interval)}`).join(" or "),
  );
  const cases = [...byIntervals].map(
    ([isOfThese, of]) => `when ${isOfThese} then coalesce(${of.toReversed().map(NEWEST_IN_LEAF).join(", ")})`,
  );
  return cases.length === 0 ? "null::timestamptz" : `case ${cases.join(" ")} end`;
};

const HASH = `hashtextextended("interval", coin_id)`;
const ROOT = "r3a.ohlcv_partitioned";
const rootOf = (index: number) => `root_${index}` as const;
const ROOT_OF = ({ name }: OpenLeaf, index: number) =>
  `, pg_partition_root(${pg.escapeLiteral(`r3a.${pg.escapeIdentifier(name)}`)}) as ${rootOf(index)}`;

/**
 * One statement that only says whether all is well. A job has a new connection and cold caches, where parsing and planning
 * are most of the time, so each part stands for a dearer one (ms of 5, after work that emptied the caches): hashes of both
 * sets of keys for a full join (0.5), roots compared by this program for a comparison of regclass, which has no operator of its own
 * and is looked for among all of that name (0.3), counts for the rows as JSON (0.2), "or" for "in" (0.1). Without a
 * search_path the names of the roots have their schema.
 */
const LOOK = (leaves: readonly OpenLeaf[]) => `
  ${SET_TIMEOUTS}; set local search_path = '';
  select count(*) as series, count(case when ${NEWEST(leaves)} = k.last_ts then 1 end) as same,
         bit_xor(${HASH}) as hash, (select bit_xor(${HASH}) from r3a.series) as known${leaves.map(ROOT_OF).join("")}
  from r3a_util.last_ts_by_coin_interval k`;

type LookRow = {
  readonly series: string;
  readonly same: string;
  readonly hash: string | null;
  readonly known: string | null;
  readonly [root: ReturnType<typeof rootOf>]: string | null;
};

/**
 * Holds the table against the newest candles in `leaves`. Returns the number of series where it says of each what they
 * hold, and is of just the series that r3a.series knows. Else null: also where one of the leaves is not there, not
 * attached or about to be detached, and where a series has no candle. What lies in later leaves than the last of `leaves`
 * is not seen.
 */
export async function countEqual(client: OwnClient, leaves: readonly OpenLeaf[]): Promise<number | null> {
  try {
    const row = onlyRow(await client.query<LookRow>(LOOK(leaves)));
    const isEqual =
      row.same === row.series &&
      row.hash === row.known &&
      leaves.every((_, index) => row[rootOf(index)] === ROOT);
    return isEqual ? Number(row.series) : null;
  } catch (error) {
    if (codeOf(error) === UNDEFINED_TABLE) return null;
    throw error;
  }
}
