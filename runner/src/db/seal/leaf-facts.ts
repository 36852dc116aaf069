import { type Interval, WIDTH_MS } from "../../contract/intervals.ts";
import { listMisaligned } from "../../partition/attached.ts";
import type { LeafContent, LeafFacts, SeriesLack } from "../../seal/seal-plan.ts";
import { LEAVES, type LeafRow, toAttached } from "../attached-leaves.ts";
import { type BackupLeaf, intervalsOf, tableOf } from "../backup/backup-leaf.ts";
import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";
import { boundedMs, msOf } from "../sql-time.ts";

const LIST_LEAVES = `
  select l.*, s.state, ${msOf("s.sealed_at")} as "sealedAt", s.sealed_pages::float8 as "sealedPages"
  from (${LEAVES}) l left join r3a.leaf_state s on s.leaf = l.name`;

type FactsRow = LeafRow & Pick<LeafFacts, "state" | "sealedAt" | "sealedPages">;

/** The leaves that are attached, each with its state; a table that is no leaf by its name and bounds is left out. */
export async function listLeafFacts(client: OwnClient): Promise<readonly LeafFacts[]> {
  const rows = await client.query<FactsRow>(LIST_LEAVES, [null]);
  return rows.flatMap(({ state, sealedAt, sealedPages, ...row }) => {
    const { name, parent, span, isDetaching } = toAttached(row);
    if (span === null || isDetaching || listMisaligned([{ name, parent, span }]).length > 0) return [];
    return [{ name, parent, span, state, sealedAt, sealedPages }];
  });
}

const HAS_ROWS = (leaf: BackupLeaf) => `select exists (select from ${tableOf(leaf)}) as "hasRows"`;
const LIST_DAMAGES = `select detector from r3a.leaf_damage where leaf = $1 and state = 'open' order by 1`;
const COUNT_SUSPECTS = `
  select count(*)::float8 as count from r3a.backup_suspect where leaf = $1 and state = 'open'`;
/** $1: intervals, $2 and $3: the span of the leaf in ms. The gaps of a series are disjoint, so their lengths add up. */
const OPEN_GAPS = `
  select c.symbol, g."interval", ${boundedMs("min(greatest(g.from_ts, to_timestamp($2::float8 / 1000)))")} as "from",
         sum(${msOf("least(g.to_ts, to_timestamp($3::float8 / 1000)) - greatest(g.from_ts, to_timestamp($2::float8 / 1000))")})::float8 as ms
  from r3a.ohlcv_gap_log g join r3a.coin c on c.id = g.coin_id
  where g.state = 'open' and g."interval" = any($1) and g.from_ts < to_timestamp($3::float8 / 1000) and g.to_ts > to_timestamp($2::float8 / 1000)
  group by 1, 2 order by 1, 2`;
/** Series of coins that trade whose covered span ends inside the leaf. */
const SHORT_SERIES = `
  select c.symbol, s."interval", ${msOf("s.covered_to")} as "from", ${msOf("to_timestamp($3::float8 / 1000) - s.covered_to")} as ms
  from r3a.series s join r3a.coin c on c.id = s.coin_id
  where s."interval" = any($1) and c.closed_at is null and s.covered_from < to_timestamp($3::float8 / 1000)
    and s.covered_to > to_timestamp($2::float8 / 1000) and s.covered_to < to_timestamp($3::float8 / 1000)
  order by 1, 2`;

type LackRow = {
  readonly symbol: string;
  readonly interval: Interval;
  readonly from: number;
  readonly ms: number;
};

/** What decides whether the leaf can be sealed. Reads no candle but one. */
export async function readLeafContent(client: OwnClient, leaf: BackupLeaf): Promise<LeafContent> {
  const values = [intervalsOf(leaf), leaf.span.from, leaf.span.to];
  const list = async (kind: SeriesLack["kind"], statement: string) =>
    (await client.query<LackRow>(statement, values)).map(({ symbol, interval, from, ms }) => ({
      ...{ symbol, interval, kind, from },
      slots: Math.ceil(ms / WIDTH_MS[interval]),
    }));
  const { count } = onlyRow(await client.query<{ count: number }>(COUNT_SUSPECTS, [leaf.name]));
  const { hasRows } = onlyRow(await client.query<{ hasRows: boolean }>(HAS_ROWS(leaf)));
  return {
    ...{ hasRows, suspects: count },
    damages: (await client.query<{ detector: string }>(LIST_DAMAGES, [leaf.name])).map(
      ({ detector }) => detector,
    ),
    lacks: [...(await list("gaps", OPEN_GAPS)), ...(await list("end", SHORT_SERIES))],
  };
}
