/** The statements of `writeLedger`. $1 is a JSON array of rows, $2 the backup, where nothing else is said. */

const time = (ms: string) => `to_timestamp(${ms} / 1000)`;

/** $1: the backup. */
export const STORE_BACKUP = `
  update r3a.backup set outcome = 'stored', is_whole = $2, rows = $3, bytes = $4 where id = $1 and outcome = 'running'`;

export const ADD_COPIES = `
  insert into r3a.backup_copy as c (key, tier, verified_at)
  select key, tier, ${time('"verifiedAt"')} from jsonb_to_recordset($1) as o (key text, tier text, "verifiedAt" float8)
  on conflict (key, tier) do update set verified_at = greatest(c.verified_at, excluded.verified_at)`;

export const ADD_USES = `
  insert into r3a.backup_use (backup_id, key, kind, leaf, table_name, mode, columns, first_ts, last_ts)
  select $2, key, kind, leaf, "table", mode, coalesce(array(select jsonb_array_elements_text(columns)), '{}'),
         ${time("first")}, ${time("last")}
  from jsonb_to_recordset($1) as u (key text, kind text, leaf text, "table" text, mode text, columns jsonb, first float8, last float8)
  on conflict do nothing`;

export const SET_GAP_SERIES = `
  insert into r3a.backup_gap_series as g (coin_id, "interval", rows, hash, backup_id)
  select "coinId", "interval", rows, hash, $2
  from jsonb_to_recordset($1) as s ("coinId" int, "interval" text, rows bigint, hash numeric)
  on conflict (coin_id, "interval") do update set rows = excluded.rows, hash = excluded.hash, backup_id = excluded.backup_id
  where g.backup_id <= excluded.backup_id`;

/** A suspect that is open already keeps the backup that found it. */
export const ADD_SUSPECTS = `
  insert into r3a.backup_suspect (leaf, coin_id, "interval", "at", kind, hash, found_by)
  select leaf, "coinId", "interval", ${time('"at"')}, kind, hash, $2
  from jsonb_to_recordset($1) as s (leaf text, "coinId" int, "interval" text, "at" float8, kind text, hash numeric)
  on conflict (leaf, coin_id, "interval", "at") where state = 'open' do update set kind = excluded.kind, hash = excluded.hash`;

/** $1: ids. */
export const CLOSE_GONE = `
  update r3a.backup_suspect set state = 'gone', closed_at = now() where id = any($1::bigint[]) and state = 'open'`;

/** $1: ids, $2: the reason, $3: the run. */
export const ACCEPT = `
  update r3a.backup_suspect set state = 'accepted', reason = $2, accepted_run = $3, closed_at = now()
  where id = any($1::bigint[]) and state = 'open'`;

export const SET_PARTS = `
  insert into r3a.backup_part as p (leaf, coin_id, "interval", rows, hash, null_rows, null_hash, slots, first_ts, last_ts, as_of,
         hash_form, server_version)
  select leaf, "coinId", "interval", rows, hash, "nullRows", "nullHash", decode(slots, 'hex'), ${time("first")}, ${time("last")}, $2,
         "hashForm", "serverVersion"
  from jsonb_to_recordset($1) as w (leaf text, "coinId" int, "interval" text, rows bigint, hash numeric, "nullRows" bigint,
       "nullHash" numeric, slots text, first float8, last float8, "hashForm" smallint, "serverVersion" int)
  on conflict (leaf, coin_id, "interval") do update set rows = excluded.rows, hash = excluded.hash, null_rows = excluded.null_rows,
    null_hash = excluded.null_hash, slots = excluded.slots, first_ts = excluded.first_ts, last_ts = excluded.last_ts,
    as_of = excluded.as_of, hash_form = excluded.hash_form, server_version = excluded.server_version
  where p.as_of <= excluded.as_of`;

export const SET_BASES = `
  update r3a.backup_part p set base_key = w.key, base_hash = w.hash, base_backup = $2
  from jsonb_to_recordset($1) as w (leaf text, "coinId" int, "interval" text, key text, hash numeric)
  where p.leaf = w.leaf and p.coin_id = w."coinId" and p."interval" = w."interval" and (p.base_backup is null or p.base_backup <= $2)`;

/** $1: the leaf, $2: the number of changes, $3: since when they are counted, $4: the backup. */
export const SET_LOOK = `
  insert into r3a.backup_leaf as l (leaf, changes, counted_as, backup_id) values ($1, $2, $3, $4)
  on conflict (leaf) do update set changes = excluded.changes, counted_as = excluded.counted_as, backup_id = excluded.backup_id
  where l.backup_id <= excluded.backup_id`;

/** $1: the leaf. */
export const FORGET_DOUBTS = `delete from r3a.backup_doubt where leaf = $1`;
