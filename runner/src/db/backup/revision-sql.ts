import { asSum, hasNull, rowHash, valueHash } from "./row-hash.ts";

/** Of the revisions of the candle `t` that came since the last backup: `isSince` is the condition on `r`. */
const revisions = (columns: string, isSince: string, order: string) => `
  select ${columns} from r3a.candle_revision r
  where r.coin_id = t.coin_id and r."interval" = t."interval" and r."timestamp" = t."timestamp" and ${isSince}
  order by r.id ${order} limit 1`;

/** As text, so that 1.50 is not 1.5. */
const MANDATORY = ["open", "high", "low", "close", "volume"];
const OPTIONAL = ["quote_volume", "trades", "taker_base", "taker_quote"];
const isSame = [
  ...MANDATORY.map((name) => `r.new_values->>'${name}' = t.${name}::text`),
  // a value may have come for a null after the revision
  ...OPTIONAL.map(
    (name) => `coalesce(r.new_values->>'${name}' = t.${name}::text, r.new_values->>'${name}' is null)`,
  ),
  "coalesce(r.new_values->'close_time' = to_jsonb(t.close_time), r.new_values->>'close_time' is null)",
].join(" and ");

/** Whether the newest revision ends in the values of `t`. */
const newestRevision = (isSince: string) => revisions(`${isSame} as is_same`, isSince, "desc");

const NUMBERS = [...MANDATORY, "quote_volume", "taker_base", "taker_quote"];

/** A time that every cast takes. */
const MOMENT =
  "^[0-9]{4}-(0[1-9]|1[0-2])-([01][0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?[+]00:00$";
const isReadable = [
  ...MANDATORY.map((name) => `jsonb_typeof(r.old_values->'${name}') = 'number'`),
  `(r.old_values->>'close_time' is null or r.old_values->'close_time' = to_jsonb(t.close_time) or r.old_values->>'close_time' ~ '${MOMENT}')`,
].join(" and ");

/** The first one, if its old values can be read: a person may have written the row. */
const oldestRevision = (isSince: string) =>
  revisions(`case when ${isReadable} then r.old_values end as old_values, r.old_source`, isSince, "asc");

/** For each row of `t` its first revision and its last one since the last backup. */
export const joinRevisions = (isSince: string) => `
  left join lateral (${newestRevision(isSince)}) newest on true
  left join lateral (${oldestRevision(isSince)}) oldest on true`;

const numberOf = (name: string) =>
  `case when jsonb_typeof(oldest.old_values->'${name}') = 'number' then (oldest.old_values->'${name}')::numeric end`;

/** Almost always the end of the slot, which the row has too; else the text is read. */
const closeTime = `case when oldest.old_values->'close_time' = to_jsonb(t.close_time) then t.close_time
  when oldest.old_values->>'close_time' ~ '${MOMENT}' then (oldest.old_values->>'close_time')::timestamptz end`;

/** The columns of the candle as it was before the revision `oldest`. No revision changes the flags. */
const oldColumn = (column: string): string => {
  if (NUMBERS.includes(column)) return `(${numberOf(column)})`;
  if (column === "trades")
    return `(case when ${numberOf(column)} between -1e18 and 1e18 then (${numberOf(column)})::bigint end)`;
  if (column === "source") return "oldest.old_source";
  if (column === "close_time") return `(${closeTime})`;
  return `t.${column}`;
};

/** What `joinRevisions` says of a row, as in ChangedRow; the hashes as decimal text. */
export const REVISION_COLUMNS = `
  coalesce(newest.is_same, false) as "isRevised",
  case when oldest.old_values is not null then ${asSum(rowHash(oldColumn))} end as "oldHash",
  case when oldest.old_values is not null and ${hasNull(oldColumn)} then ${asSum(valueHash(oldColumn))} end as "oldValueHash"`;
