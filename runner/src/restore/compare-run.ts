import type { Interval } from "../contract/intervals.ts";
import { BESIDE_KEY } from "../db/candles.ts";
import { compareLeaf, type DifferingRow, listOtherCoins, type OtherCoin } from "../db/restore/compare.ts";
import type { OwnClient } from "../db/session.ts";
import type { ChosenLeaf } from "./chosen-leaf.ts";
import { scratchOf } from "./restore-leaf.ts";

/** A column of a row that both sides have, as text. */
export type ChangedColumn = {
  readonly name: (typeof BESIDE_KEY)[number];
  readonly restored: string | null;
  readonly live: string | null;
};

/**
 * `added`: live alone has the row; `missing`: the live table lacks the row. `at`: open time in ms. `columns`: what differs in a
 * changed row.
 */
export type Difference = {
  readonly at: number;
  readonly kind: "added" | "missing" | "changed";
  readonly columns: readonly ChangedColumn[];
};

/** A part that differs, with its first rows that do. `from`, `last`: open times (ms) of the first and last one. `symbol` null: the backup does not know the coin. */
export type ComparedPart = {
  readonly coinId: number;
  readonly symbol: string | null;
  readonly interval: Interval;
  readonly added: number;
  readonly missing: number;
  readonly changed: number;
  readonly from: number;
  readonly last: number;
  readonly first: readonly Difference[];
};

/** `otherCoins`: numbers under which this database has another coin than the backup; what is compared of them says nothing. */
export type ComparedLeaf = {
  readonly parts: readonly ComparedPart[];
  readonly otherCoins: readonly OtherCoin[];
};

/** Rows of a part that are shown: a person sees the kind of damage in them. */
const FIRST = 3;

/** Compares a restored leaf with the live one. */
export async function compareRestored(
  client: OwnClient,
  {
    schema,
    selection,
  }: { readonly schema: string; readonly selection: { readonly symbols: readonly string[] | null } },
  { plan, manifest }: ChosenLeaf,
): Promise<ComparedLeaf> {
  const ids = new Set(plan.parts.map(({ coinId }) => coinId));
  const coins = manifest.coins.filter(({ id }) => selection.symbols === null || ids.has(id));
  const rows = await compareLeaf(client, scratchOf(plan, schema), {
    coins: selection.symbols === null ? null : [...ids],
    first: FIRST,
  });
  const symbolOf = new Map(manifest.coins.map(({ id, symbol }) => [id, symbol]));
  const parts = Map.groupBy(rows, ({ coinId, interval }) => `${coinId} ${interval}`);
  return {
    otherCoins: await listOtherCoins(client, coins),
    parts: [...parts.values()].flatMap((of) => partOf(of, symbolOf)),
  };
}

function partOf(
  rows: readonly DifferingRow[],
  symbols: ReadonlyMap<number, string>,
): readonly ComparedPart[] {
  const [row] = rows;
  if (row === undefined) return [];
  const { coinId, interval, added, missing, changed, from, last } = row;
  const symbol = symbols.get(coinId) ?? null;
  return [
    {
      ...{ coinId, symbol, interval, added, missing, changed, from, last },
      first: rows.map(differenceOf),
    },
  ];
}

function differenceOf({ at, restored, live }: DifferingRow): Difference {
  if (restored === null) return { at, kind: "added", columns: [] };
  if (live === null) return { at, kind: "missing", columns: [] };
  const columns = BESIDE_KEY.map((name, index) => ({
    name,
    restored: restored[index] ?? null,
    live: live[index] ?? null,
  })).filter((column) => column.restored !== column.live);
  return { at, kind: "changed", columns };
}
