import type { Interval } from "../../contract/intervals.ts";
import { BESIDE_KEY } from "../candles.ts";
import type { OwnClient } from "../session.ts";
import { msOf } from "../sql-time.ts";
import { type ScratchLeaf, scratchName } from "./scratch-leaf.ts";

/**
 * A row that differs, with the counts of its part. `restored`, `live`: the values as texts in the order of BESIDE_KEY; null
 * where that side lacks the row. `at`: open time in ms.
 */
export type DifferingRow = {
  readonly coinId: number;
  readonly interval: Interval;
  readonly at: number;
  readonly restored: readonly (string | null)[] | null;
  readonly live: readonly (string | null)[] | null;
  readonly added: number;
  readonly missing: number;
  readonly changed: number;
  /** Open times in ms of the first and the last row of the part that differ. */
  readonly from: number;
  readonly last: number;
};

const textsOf = (alias: string) =>
  `case when ${alias}.coin_id is not null then array[${BESIDE_KEY.map((name) => `${alias}.${name}::text`).join(", ")}] end`;
const rowOf = (alias: string) => `row(${BESIDE_KEY.map((name) => `${alias}.${name}`).join(", ")})`;

const ASKED = "($1::int[] is null or coin_id = any ($1))";

/**
 * The first rows of each part that differ. The rows are compared by their image, since 1.50 equals 1.5 and is another text.
 * $1: coins, null for all; $2: rows of a part.
 */
const compare = (restored: string, live: string) => `
  select coin_id as "coinId", "interval", at, restored, live, added::float8, missing::float8, changed::float8, "from", last from (
    select *, row_number() over (part order by at) as place, min(at) over part as "from", max(at) over part as last,
           count(*) filter (where restored is null) over part as added,
           count(*) filter (where live is null) over part as missing,
           count(*) filter (where restored is not null and live is not null) over part as changed
    from (
      select coin_id, "interval", ${msOf('"timestamp"')} as at, ${textsOf("r")} as restored, ${textsOf("l")} as live
      from (select * from ${restored} where ${ASKED}) r full join (select * from ${live} where ${ASKED}) l
        using (coin_id, "interval", "timestamp")
      where r.coin_id is null or l.coin_id is null or record_image_ne(${rowOf("r")}, ${rowOf("l")})
    ) differing
    window part as (partition by coin_id, "interval")
  ) counted where place <= $2 order by coin_id, "interval", at`;

const FIND_LIVE = `
  select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'r3a' and c.relname = $1 and c.relkind = 'r'`;
/** In the place of a leaf that is not there. */
const NOTHING = "(select * from r3a.ohlcv_partitioned where false)";

/** What the live leaf of the same name has otherwise; a leaf that is not there counts as one without rows. */
export async function compareLeaf(
  client: OwnClient,
  leaf: ScratchLeaf,
  { coins, first }: { readonly coins: readonly number[] | null; readonly first: number },
): Promise<readonly DifferingRow[]> {
  const [live] = await client.query<{ name: string }>(FIND_LIVE, [leaf.name]);
  return client.query<DifferingRow>(compare(scratchName(leaf), live?.name ?? `${NOTHING} nothing`), [
    coins,
    first,
  ]);
}

const LIST_OTHER_COINS = `
  select u.id, u.symbol as backed, c.symbol as live from unnest($1::int[], $2::text[]) as u (id, symbol)
  join r3a.coin c on c.id = u.id where c.symbol <> u.symbol order by u.id limit 5`;

/** A number that stands for another coin in the backup than in this database. */
export type OtherCoin = { readonly id: number; readonly backed: string; readonly live: string };

export async function listOtherCoins(
  client: OwnClient,
  coins: readonly { readonly id: number; readonly symbol: string }[],
): Promise<readonly OtherCoin[]> {
  return client.query<OtherCoin>(LIST_OTHER_COINS, [
    coins.map(({ id }) => id),
    coins.map(({ symbol }) => symbol),
  ]);
}
