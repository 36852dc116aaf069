import { msOf } from "../sql-time.ts";
import type { LegacyLeaf } from "./catalog.ts";
import type { OldColumn } from "./columns.ts";

/** Parts of the statements over an old leaf's rows. `columns`: the candle's values, the five mandatory ones first. */

/** Rows of a new table in the span of the leaf. $1 coin, $2 interval, $3 and $4 the leaf's span in ms. */
export const inPlace = (alias: string) => `${alias}.coin_id = $1::int and ${alias}."interval" = $2::text
  and ${alias}."timestamp" >= to_timestamp($3::float8 / 1000) and ${alias}."timestamp" < to_timestamp($4::float8 / 1000)`;

/** The values of the parameters of `inPlace`. */
export const placeOf = ({ coinId, interval, span }: LegacyLeaf) => [coinId, interval, span.from, span.to];

const MANDATORY = 5;
const isTime = ({ name }: OldColumn) => name === "close_time";

export const listOf = (columns: readonly OldColumn[], alias: string) =>
  columns.map(({ name }) => `${alias}.${name}`).join(", ");

/** A row's values as a revision keeps them: an object of JSON. */
export const jsonOf = (columns: readonly OldColumn[], alias: string) =>
  `jsonb_build_object(${columns.map(({ name }) => `'${name}', ${alias}.${name}`).join(", ")})`;

/** The values of a revision's object as columns. */
export const fromJson = (columns: readonly OldColumn[], json: string) =>
  columns
    .map((column) => `(${json} ->> '${column.name}')::${isTime(column) ? "timestamptz" : "numeric"}`)
    .join(", ");

/**
 * Reads old columns as the types of the new ones: old columns may have no time zone, or be floats. A float is cast by its
 * text: a direct cast to numeric keeps 15 of 17 digits, and a comparison of two such casts sees no difference.
 */
export const rowsOf = (leaf: LegacyLeaf, columns: readonly OldColumn[]) => `
  select l."timestamp"::timestamptz as "timestamp", ${columns.map(readColumn).join(", ")} from ${leaf.name} l`;

function readColumn(column: OldColumn): string {
  const { name, type } = column;
  if (isTime(column)) return `l.${name}::timestamptz as ${name}`;
  const isFloat = type === "real" || type === "double precision";
  return `l.${name}${isFloat ? "::text" : ""}::numeric as ${name}`;
}

/** Why a row must not be stored, by the rules for new rows; a running candle is not a final one. $5 width in ms. */
export const reasonOf = (columns: readonly OldColumn[]) => {
  const figures = columns.filter((column) => !isTime(column));
  return `case
  when num_nulls(${listOf(columns.slice(0, MANDATORY), "l")}) > 0 then 'a value is missing'
  when not greatest(${figures.map(({ name }) => `abs(l.${name})`).join(", ")}) < 'Infinity' then 'a value is not finite'
  when l.low > least(l.open, l.close) or l.high < greatest(l.open, l.close) then 'low <= open,close <= high does not hold'
  when l.low <= 0 then 'a price is not above 0'
  when least(${listOf(figures.slice(MANDATORY - 1), "l")}) < 0 then 'negative volume'
  ${columns.some(({ name }) => name === "trades") ? "when l.trades <> trunc(l.trades) or abs(l.trades) >= 2::numeric ^ 63 then 'trades is not a whole number'" : ""}
  when l."timestamp" < '2009-01-01 00:00+00' or l."timestamp" > now() + interval '1 day' then 'time outside 2009 .. tomorrow'
  when ${msOf('l."timestamp"')} + $5::float8 > ${msOf("now()")} then 'not closed yet'
end`;
};

/**
 * Whether `kept` lacks a value of `old`. A value in place of an old null is no difference: the new system may know more.
 */
export const differs = (columns: readonly OldColumn[], kept: string, old: string) => {
  const five = columns.slice(0, MANDATORY);
  const more = columns
    .slice(MANDATORY)
    .map(
      ({ name }) => ` or (${old}.${name} is not null and ${old}.${name} is distinct from ${kept}.${name})`,
    );
  return `((${listOf(five, kept)}) is distinct from (${listOf(five, old)})${more.join("")})`;
};

const hashOf = (columns: readonly OldColumn[], alias: string) =>
  `hashtextextended(concat_ws('|', ${msOf(`${alias}."timestamp"`)}, ${columns
    .map((column) => {
      const value = `${alias}.${column.name}`;
      return `coalesce(${isTime(column) ? `${msOf(value)}::text` : `trim_scale(${value})::text`}, '-')`;
    })
    .join(", ")}), 0)::numeric`;

/** Count and sum of the hashes of rows in any order, as one text. A sum, because two equal rows cancel out in an XOR. */
export const fingerprintOf = (columns: readonly OldColumn[], alias: string) =>
  `count(*) || ' ' || coalesce(sum(${hashOf(columns, alias)}), 0)`;
