import type { Manifest } from "../../archive/manifest.ts";
import { parseObjectKey } from "../../archive/object/key.ts";
import type { ObjectRef } from "../../archive/object-ref.ts";
import type { Tier } from "../../contract/tiers.ts";
import type { ObjectUse } from "../backup/stored-objects.ts";
import { ADD_COPIES, ADD_USES } from "../backup/write-ledger-sql.ts";
import type { OwnClient } from "../session.ts";

/** As maint closes the runs of a process that is gone. */
const CLOSE_RUNS = `
  with gone as (
    update r3a.run set outcome = 'aborted', finished_at = now(),
           error_summary = 'the database was restored from a backup that was made while this run was at work'
    where outcome = 'running' returning command
  )
  insert into r3a.job_counter as c (command, outcome, n) select command, 'aborted', count(*) from gone group by command
  on conflict (command, outcome) do update set n = c.n + excluded.n`;

const CLOSE_BACKUPS = `
  update r3a.backup set outcome = 'failed', finished_at = now(), error = 'the database was restored from a backup that was made meanwhile'
  where outcome = 'running'`;

/** A weight that was used counts for a minute; a hold or a ban of the exchange outlives the database. */
const KEEP_HOLDS = `
  delete from r3a.api_budget where greatest(hold_until, firewall_until, banned_until) <= now();
  update r3a.api_budget set minute = '-infinity', used = 0, used_late = 0`;

/** What is restored is the version that was believed. */
const CLOSE_SUSPECTS = `
  update r3a.backup_suspect set state = 'gone', closed_at = now() where state = 'open'`;

/**
 * The backup itself was still running in its snapshot. Its numbers of transactions are unknown, and those of another
 * server: a counter that is ahead of every server says so.
 */
const COMPLETE = `
  insert into r3a.backup as b (id, run_id, kind, begun_at, snapshot_at, finished_at, snapshot_xmin, next_xid, system_identifier,
         timeline, server_version, outcome, tiers, manifests)
  overriding system value
  values ($1, $2, $3, $4, $4, $5, 3, 9223372036854775807, $6, $7, $8, 'complete', array[$9::text],
          jsonb_build_object($9::text, $10::text))
  on conflict (id) do update set snapshot_at = excluded.snapshot_at, finished_at = excluded.finished_at,
    snapshot_xmin = excluded.snapshot_xmin, next_xid = excluded.next_xid, system_identifier = excluded.system_identifier,
    timeline = excluded.timeline, server_version = excluded.server_version, outcome = 'complete', tiers = excluded.tiers,
    manifests = excluded.manifests, error = null`;

/** Each identity and each serial of the schemas goes on behind the largest number that is stored. */
const LIST_SEQUENCES = `
  select format('select setval(%L, greatest(max(%I), 1), max(%I) is not null) from %I.%I', s.oid::regclass, a.attname, a.attname,
                n.nspname, c.relname) as statement
  from pg_depend d
  join pg_class s on s.oid = d.objid and s.relkind = 'S'
  join pg_class c on c.oid = d.refobjid and c.relkind in ('r', 'p')
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
  where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
    and n.nspname in ('r3a', 'r3a_util') order by 1`;

/** A place in a tier where the manifest was found. */
type Found = { readonly tier: Tier; readonly key: string };

/**
 * After the tables are loaded: closes what was running, keeps holds and bans that lie ahead, and lets the ledger of backups
 * know the backup that was restored, so that the next one goes on from there. The migrations that an older backup lacks
 * come later: the statements here know the columns of 000016 alone.
 */
export async function settleLedger(client: OwnClient, manifest: Manifest, found: Found): Promise<void> {
  for (const statement of [CLOSE_RUNS, KEEP_HOLDS, CLOSE_SUSPECTS]) await client.query(statement);
  const { backup, runId, kind, snapshotAt, madeAt, server, tables, schema } = manifest;
  const of = [server.systemIdentifier, server.timeline, server.version, found.tier, found.key];
  await client.query(COMPLETE, [backup, runId, kind, snapshotAt, madeAt, ...of]);
  await client.query(CLOSE_BACKUPS);
  const ofTables = tables.flatMap(({ name, columns, objects }) =>
    objects.map((ref): NotedObject => {
      const use: ObjectUse = { key: ref.key, kind: "table", table: name, mode: ref.mode, columns };
      return { ref, backup: ref.backup, use };
    }),
  );
  const ofSchema: NotedObject = {
    ref: schema,
    backup,
    use: { key: schema.key, kind: "schema", columns: [] },
  };
  await noteObjects(client, [...ofTables, ofSchema], found.tier);
  for (const { statement } of await client.query<{ statement: string }>(LIST_SEQUENCES))
    await client.query(statement);
}

/** The ledger of a snapshot knows nothing of what was put after it. */
const ADD_OBJECTS = `
  insert into r3a.backup_object (key, backup_id, attempt, rows, bytes, sha256, plain_bytes, plain_sha256)
  select key, "madeBy", attempt, rows, bytes, sha256, "plainBytes", "plainSha256"
  from jsonb_to_recordset($1) as o (key text, "madeBy" bigint, attempt text, rows bigint, bytes bigint, sha256 text,
       "plainBytes" bigint, "plainSha256" text)
  on conflict (key) do nothing`;

/** An object, the backup that wrote it, and what it is used as; `use` null: a base, which the parts themselves name. */
export type NotedObject = {
  readonly ref: ObjectRef;
  readonly backup: number;
  readonly use: ObjectUse | null;
};

/** The ledger gets the objects that were read from a tier and were right. */
export async function noteObjects(
  client: OwnClient,
  objects: readonly NotedObject[],
  tier: Tier,
): Promise<void> {
  const rows = objects.map(({ ref, backup }) => ({
    ...ref,
    ...{ attempt: parseObjectKey(ref.key)?.attempt, madeBy: backup },
  }));
  await client.query(ADD_OBJECTS, [JSON.stringify(rows)]);
  const keys = [...new Set(rows.map(({ key }) => key))];
  await client.query(ADD_COPIES, [
    JSON.stringify(keys.map((key) => ({ key, tier, verifiedAt: Date.now() }))),
  ]);
  for (const [backup, some] of Map.groupBy(objects, (object) => object.backup)) {
    const uses = some.flatMap(({ use }) => (use === null ? [] : [use]));
    if (uses.length > 0) await client.query(ADD_USES, [JSON.stringify(uses), backup]);
  }
}
