import type { OldColumn } from "../db/legacy/columns.ts";
import { OLD_ROOT } from "../db/legacy/state.ts";

/** Types of which the new column can take every value. With another type a single row could stop the move. */
const NUMBERS = ["smallint", "integer", "bigint", "numeric", "real", "double precision"];
const TIMES = ["timestamp with time zone", "timestamp without time zone", "date"];

const NEEDED = ["open", "high", "low", "close", "volume"];
const MORE = ["quote_volume", "trades", "taker_base", "taker_quote", "close_time"];
/** The key of a row: the leaf's place in the tree and the row itself give these values. */
const KEY = ["coin_id", "interval", "timestamp"];

export type ColumnPlan = {
  /** Columns of values that both tables have: the five mandatory ones first. */
  readonly carried: readonly OldColumn[];
  readonly dropped: readonly string[];
};

/**
 * Decides what becomes of the old table's columns. Three kinds are faults, because values would be lost in silence: a
 * column that a candle needs and that is missing, a column whose type may not fit, and one without a place in the new table.
 */
export function planColumns(
  columns: readonly OldColumn[],
  drop: ReadonlySet<string>,
): ColumnPlan & { readonly faults: readonly string[] } {
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  const needed = [...KEY, ...NEEDED];
  const faults = needed
    .filter((name) => !types.has(name))
    .map(
      (name) =>
        `${OLD_ROOT} has no column ${name}, which a candle needs: rename the one that holds it (alter table ${OLD_ROOT} rename column ... to ${name})`,
    );
  for (const name of drop) {
    if (needed.includes(name)) faults.push(`--drop-columns names ${name}, which a candle needs`);
    else if (!types.has(name)) faults.push(`--drop-columns names ${name}, which ${OLD_ROOT} does not have`);
  }
  for (const { name, type } of columns) {
    const wanted = wantedTypes(name);
    if (drop.has(name) || name === "coin_id" || name === "interval") continue;
    const orDrop = needed.includes(name) ? "" : `, or give --drop-columns ${name}`;
    if (wanted === null)
      faults.push(
        `column ${name} of ${OLD_ROOT} has no place in the new table: copy its values elsewhere and give --drop-columns ${name}`,
      );
    else if (!wanted.includes(type))
      faults.push(
        `column ${name} of ${OLD_ROOT} is ${type}, which is no ${wanted === TIMES ? "time" : "number"}: alter its type${orDrop}`,
      );
  }
  return { ...pickColumns(columns, new Set([...NEEDED, ...MORE].filter((name) => !drop.has(name)))), faults };
}

/** The columns of these names, in the order of the new table; all others are dropped. */
export function pickColumns(columns: readonly OldColumn[], names: ReadonlySet<string>): ColumnPlan {
  return {
    carried: [...NEEDED, ...MORE].flatMap((name) =>
      names.has(name) ? columns.filter((column) => column.name === name) : [],
    ),
    dropped: columns.flatMap(({ name }) => (names.has(name) || KEY.includes(name) ? [] : [name])),
  };
}

/** The types that fit, or null if the new table has no such column. The new `source` and `flags` mean something else. */
function wantedTypes(name: string): readonly string[] | null {
  if (name === "timestamp" || name === "close_time") return TIMES;
  return NEEDED.includes(name) || MORE.includes(name) ? NUMBERS : null;
}
