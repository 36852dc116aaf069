import { MADE_OBJECTS } from "./made-objects.ts";

/** An object of the two schemas as the catalog has it: `kind` is relkind or prokind, columns are `name type`. */
export type ObjectRow = {
  name: string;
  kind: string;
  columns: string[];
  /** Columns for which each row must have a value. */
  demanded: string[];
};

/** What the migration `by` makes, or adds to an object that an earlier one made; columns are `name type`. */
export type Made = {
  readonly by: string;
  readonly kind: string;
  readonly name: string;
  readonly columns: readonly string[];
};

/** One line for each object and migration: `MIGRATION KIND NAME: COLUMN TYPE; COLUMN TYPE`. */
export const MADE: readonly Made[] = MADE_OBJECTS.trim()
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => {
    const [, by = "", kind = "", name = "", columns = ""] = /^(\S+) (\w) ([^:]+):? ?(.*)$/.exec(line) ?? [];
    return { by, kind, name, columns: columns === "" ? [] : columns.split("; ") };
  });

const KINDS: Readonly<Record<string, string>> = {
  r: "a plain table",
  p: "a partitioned table",
  v: "a view",
  m: "a materialized view",
  f: "a foreign table or function",
  S: "a sequence",
  c: "a type",
};
const isTable = (kind: string) => kind === "r" || kind === "p";
const nameOf = (column: string) => column.slice(0, column.indexOf(" "));
const typeOf = (column: string) => column.slice(column.indexOf(" ") + 1);

/**
 * Sentences about what is not as the migrations make it: an object of another program with a name of R3A, and an object of
 * R3A that was dropped or changed. What a pending migration adds to an older table is not expected.
 */
export function judgeObjects(rows: readonly ObjectRow[], pending: readonly string[]): readonly string[] {
  const present = new Map(rows.map((row) => [row.name, row]));
  return [...Map.groupBy(MADE, ({ name }) => name)].flatMap(([name, made]) =>
    judgeObject(name, made, present.get(name), new Set(pending)),
  );
}

function judgeObject(
  name: string,
  made: readonly Made[],
  row: ObjectRow | undefined,
  pending: ReadonlySet<string>,
): readonly string[] {
  const [first] = made;
  if (first === undefined) return [];
  const isApplied = !pending.has(first.by);
  if (row === undefined)
    return isApplied
      ? [
          `${name} is gone: restore it, or run psql -1 -f sql/migrations/${first.by}.sql again, which makes what is missing`,
        ]
      : [];
  if (row.kind !== first.kind)
    return [
      `${name} is ${KINDS[row.kind] ?? "something else"} and not ${KINDS[first.kind]}: another program made it; rename it, or use another database`,
    ];
  if (!isTable(row.kind)) return isApplied ? [] : judgeForeignView(row, made);
  const wanted = made
    .filter((part) => part === first || !pending.has(part.by))
    .flatMap(({ columns }) => columns);
  const types = new Map(wanted.map((column) => [nameOf(column), typeOf(column)]));
  const has = new Map(row.columns.map((column) => [nameOf(column), typeOf(column)]));
  const known = new Set(made.flatMap(({ columns }) => columns.map(nameOf)));
  const faults = [...types].flatMap(([column, type]) => {
    const found = has.get(column);
    if (found === undefined) return [`lacks the column ${column} (${type})`];
    return found === type ? [] : [`has the column ${column} as ${found} instead of ${type}`];
  });
  for (const column of row.demanded)
    if (!known.has(column)) faults.push(`demands a value for ${column}, a column that is not known`);
  if (faults.length === 0) return [];
  const remedy = isApplied
    ? `change it back (alter table ${name} ...)`
    : "another program made it; rename it, or use another database";
  return [`${name} ${faults.join(", ")}: ${remedy}`];
}

/** A view that is there before its migration: `create or replace` takes it only where its columns are the first ones. */
function judgeForeignView(row: ObjectRow, made: readonly Made[]): readonly string[] {
  const wanted = made.flatMap(({ columns }) => columns);
  if (row.columns.every((column, index) => column === wanted[index])) return [];
  return [`${row.name} has other columns: another program made it; rename it, or use another database`];
}
