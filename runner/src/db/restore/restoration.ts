import { RESTORE_SCHEMA } from "../../contract/names.ts";
import type { Tier } from "../../contract/tiers.ts";
import type { OwnClient } from "../session.ts";
import { msOf } from "../sql-time.ts";

/** The backup that a restore of the whole database takes its tables from. `snapshotAt`, `madeAt` in ms. */
export type Restoration = {
  readonly tier: Tier;
  readonly manifest: string;
  readonly sha256: string;
  readonly backup: number;
  readonly madeAt: number;
  readonly snapshotAt: number;
};

/** A leaf that is not loaded yet, in its place. */
export type WaitingLeaf = { readonly name: string; readonly isHot: boolean };

const { name: SCHEMA, gate: GATE } = RESTORE_SCHEMA;

/**
 * The schema lives from the first transaction of a restore to its end. Everybody may read how far it is; the existence of
 * the gate keeps every other command away.
 */
const BEGIN = `
  create schema ${SCHEMA};
  create table ${SCHEMA}.state (
    only_row    boolean primary key default true check (only_row),
    tier        text not null,
    manifest    text not null,
    sha256      text not null,
    backup      bigint not null,
    made_at     timestamptz not null,
    snapshot_at timestamptz not null,
    begun_at    timestamptz not null default now(),
    leaves      integer not null
  );
  create table ${SCHEMA}.leaf (name text primary key, place integer not null unique, is_hot boolean not null);
  create table ${SCHEMA}.${GATE} ();
  comment on schema ${SCHEMA} is 'A restore of the whole database is under way: run restore --all again if its process is gone.';
  grant usage on schema ${SCHEMA} to public;
  grant select on all tables in schema ${SCHEMA} to public;
  do $$ declare
    owner constant name := (select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'r3a');
    part text;
  begin
    -- another login may go on with the restore
    foreach part in array array['schema ${SCHEMA}', 'table ${SCHEMA}.state', 'table ${SCHEMA}.leaf', 'table ${SCHEMA}.${GATE}'] loop
      execute format('alter %s owner to %I', part, owner);
    end loop;
  end $$`;

const NOTE = `
  insert into ${SCHEMA}.state (tier, manifest, sha256, backup, made_at, snapshot_at, leaves)
  values ($1, $2, $3, $4, to_timestamp($5::float8 / 1000), to_timestamp($6::float8 / 1000), $7)`;
const ADD_LEAVES = `
  insert into ${SCHEMA}.leaf (name, place, is_hot)
  select name, place, "isHot" from rows from (jsonb_to_recordset($1) as (name text, "isHot" boolean)) with ordinality
         as l (name, "isHot", place)`;

/** In the transaction that makes the schema: what is restored, and the leaves in the order in which they are loaded. */
export async function beginRestoration(
  client: OwnClient,
  { tier, manifest, sha256, backup, madeAt, snapshotAt }: Restoration,
  leaves: readonly WaitingLeaf[],
): Promise<void> {
  await client.query(BEGIN);
  await client.query(NOTE, [tier, manifest, sha256, backup, madeAt, snapshotAt, leaves.length]);
  await client.query(ADD_LEAVES, [JSON.stringify(leaves.map(({ name, isHot }) => ({ name, isHot })))]);
}

const READ = `
  select tier, manifest, sha256, backup::float8 as backup, ${msOf("made_at")} as "madeAt", ${msOf("snapshot_at")} as "snapshotAt"
  from ${SCHEMA}.state`;

/** The restore that is under way; the schema of restores must exist. */
export async function readRestoration(client: OwnClient): Promise<Restoration | undefined> {
  return (await client.query<Restoration>(READ))[0];
}

const LIST = `select name, is_hot as "isHot" from ${SCHEMA}.leaf order by place`;

export async function listWaiting(client: OwnClient): Promise<readonly WaitingLeaf[]> {
  return client.query<WaitingLeaf>(LIST);
}

const TAKE = `delete from ${SCHEMA}.leaf where name = $1`;

/** In the transaction that loads the leaf, or that gives it up. */
export async function takeWaiting(client: OwnClient, name: string): Promise<void> {
  await client.query(TAKE, [name]);
}

const OPEN_GATE = `drop table if exists ${SCHEMA}.${GATE}`;

/** The hot set is there: other commands go on. */
export async function openGate(client: OwnClient): Promise<void> {
  await client.query(OPEN_GATE);
}

const END = `drop schema ${SCHEMA} cascade`;

export async function endRestoration(client: OwnClient): Promise<void> {
  await client.query(END);
}
