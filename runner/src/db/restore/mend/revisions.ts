import { HOUR_MS } from "../../../time.ts";
import { type BackupLeaf, isAligned, tableOf } from "../../backup/backup-leaf.ts";
import { BESIDE_KEY } from "../../candles.ts";
import { COPY_COLUMNS } from "../../copy-lines.ts";
import { scratchOf } from "../../leaf/scratch.ts";
import { onlyRow } from "../../only-row.ts";
import type { OwnClient } from "../../session.ts";
import { isInside } from "./inside.ts";
import { isSoundRow } from "./sound-row.ts";

/** A revision bears the begin of its transaction, which may have committed after a snapshot of a later moment. */
export const MARGIN_MS = HOUR_MS;

/**
 * Which revisions are applied: those that were seen from an hour before the moment (ms) on, and of these those above the
 * number (as text), where there is one. Not all above a number alone: what a person changed and accepted since an old
 * revision would be lost.
 */
export type RevisionsSince = { readonly at: number; readonly above?: string };

/** `changed`: rows that got other values; `added`: rows that were not there; `refused`: revisions whose values make no candle. */
export type RevisionsApplied = { readonly changed: number; readonly added: number; readonly refused: number };

const NUMBERS = ["open", "high", "low", "close", "volume", "quote_volume", "taker_base", "taker_quote"];
/** A candle closes on the day on which it opens, which is a day that every cast takes; a person may have written the revision. */
const TIME = "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?[+]00:00$";
const closeTime = `case
  when r.new_values->>'close_time' ~ (to_char(r."timestamp" at time zone 'UTC', '"^"YYYY-MM-DD') || '${TIME}')
  then (r.new_values->>'close_time')::timestamptz end`;
const numberOf = (name: string) =>
  `case when jsonb_typeof(r.new_values->'${name}') = 'number' then (r.new_values->>'${name}')::numeric end`;

const NEWEST = (leaf: BackupLeaf) => `
  select distinct on (r.coin_id, r."interval", r."timestamp") r.coin_id, r."interval", r."timestamp",
         ${NUMBERS.map((name) => `${numberOf(name)} as ${name}`).join(", ")},
         case when ${numberOf("trades")} between 0 and 1e15 then (${numberOf("trades")})::bigint end as trades,
         ${closeTime} as close_time,
         r.new_source as source
  from r3a.candle_revision r
  where r.seen_at >= to_timestamp($1::float8 / 1000) and ($2::bigint is null or r.id > $2) and ${isInside(leaf, "r")}
  order by r.coin_id, r."interval", r."timestamp", r.id desc`;

/** A value that the revision does not have stays as it is, and so do the flags: no revision changes them. */
const MERGED = BESIDE_KEY.map((name) =>
  name === "flags"
    ? "coalesce(s.flags, case when is_aligned then 0 else 1 end) as flags"
    : `coalesce(n.${name}, s.${name}) as ${name}`,
).join(", ");
const SET = BESIDE_KEY.map((name) => `${name} = j.${name}`).join(", ");
/** As texts: 1.50 is another value than 1.5. */
const textsOf = (alias: string) => `(${BESIDE_KEY.map((name) => `${alias}.${name}::text`).join(", ")})`;

const APPLY = (leaf: BackupLeaf) => {
  const scratch = tableOf(scratchOf(leaf));
  return `
  with newest as materialized (${NEWEST(leaf)}),
  joined as materialized (
    select n.coin_id, n."interval", n."timestamp", ${MERGED},
           s.coin_id is null as is_new, s.ctid as place
    from (select n.*, ${isAligned(leaf, "n")} as is_aligned from newest n) n
    left join ${scratch} s on s.coin_id = n.coin_id and s."interval" = n."interval" and s."timestamp" = n."timestamp"
  ),
  judged as materialized (select t.*, ${isSoundRow(leaf)} as is_sound from joined t where exists (select from r3a.coin c where c.id = t.coin_id)),
  changed as (
    update ${scratch} s set ${SET} from judged j
    where s.ctid = j.place and j.is_sound and not j.is_new and ${textsOf("s")} is distinct from ${textsOf("j")}
    returning 1
  ),
  added as (
    insert into ${scratch} (${COPY_COLUMNS}) select ${COPY_COLUMNS} from judged where is_sound and is_new returning 1
  )
  select (select count(*) from changed)::int as changed, (select count(*) from added)::int as added,
         (select count(*) from judged where not is_sound)::int as refused`;
};

/**
 * Lets the newest revision of each candle of the leaf replace the row of the scratch table: what the objects hold may be
 * older. A revision of a candle that the scratch lacks adds the row. Needs no index of the scratch.
 */
export async function applyRevisions(
  client: OwnClient,
  leaf: BackupLeaf,
  since: RevisionsSince,
): Promise<RevisionsApplied> {
  const values = [since.at - MARGIN_MS, since.above ?? null];
  return onlyRow(await client.query<RevisionsApplied>(APPLY(leaf), values));
}
