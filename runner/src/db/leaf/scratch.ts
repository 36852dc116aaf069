import pg from "pg";
import { LEAF_SCRATCH_SCHEMA } from "../../contract/names.ts";
import { MINUTE_MS } from "../../time.ts";
import { type BackupLeaf, intervalsOf, tableOf } from "../backup/backup-leaf.ts";
import { listTableHolders, renderSessions } from "../connection/sessions.ts";
import { Busy, isBusy, LOCK_TIMEOUT_MS, retryBusy } from "../lock-retry.ts";
import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";
import { BOUNDS, listHindrances, readIdentity } from "./identity.ts";
import { type Missing, planLikeness } from "./identity-plan.ts";
import { ensureSchema } from "./schemas.ts";

/** The leaf has what no swap can keep; nothing was changed. The message names each object. */
export class CannotSwap extends Error {
  override readonly name = "CannotSwap";
  readonly hindrances: readonly string[];
  constructor({ name }: Pick<BackupLeaf, "name">, hindrances: readonly string[]) {
    super(
      `r3a.${name} cannot be replaced by a new table, which would lose what belongs to it: ${hindrances.join("; ")}. Take that away (and make it again afterwards), then run the command again`,
    );
    this.hindrances = hindrances;
  }
}

/** CannotSwap where the leaf has what no swap can keep: asked before anything is done, and once more in the swap. */
export async function refuseHindrances(client: OwnClient, leaf: BackupLeaf): Promise<void> {
  const hindrances = await listHindrances(client, leaf);
  if (hindrances.length > 0) throw new CannotSwap(leaf, hindrances);
}

/** The scratch table of a leaf; the functions of backup-leaf.ts take it as they take the live one. */
export function scratchOf<Leaf extends BackupLeaf>(leaf: Leaf): Leaf & { readonly schema: string } {
  return { ...leaf, schema: LEAF_SCRATCH_SCHEMA };
}

/** The leaf as it lies in the live table, its list partition and its scratch table: numbers of the tables, null where none is. */
type Tables = { readonly old: number | null; readonly parent: number; readonly scratch: number | null };

const FIND_TABLES = `
  select to_regclass($1)::oid as old, to_regclass($2)::oid as parent, to_regclass($3)::oid as scratch`;

/** How the present table is stored, or the parent where there is none. */
const STORED = `
  select (select quote_ident(amname) from pg_am a where a.oid = c.relam and c.relkind = 'r') as "method",
         (select quote_ident(spcname) from pg_tablespace s where s.oid = c.reltablespace) as "space",
         format('alter table %s owner to %I', $2::text, pg_get_userbyid(c.relowner)) as "setOwner",
         -- a right that the defaults of the owner's role gave is no right of the leaf
         (select string_agg(distinct format('revoke all on %s from %s', $2::text, case when a.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end), '; ')
          from pg_class s cross join lateral aclexplode(coalesce(s.relacl, acldefault('r', s.relowner))) a
          where s.oid = to_regclass($2) and s.relacl is distinct from c.relacl) as revoke
  from pg_class c where c.oid = $1::oid`;
type StoredRow = {
  readonly method: string | null;
  readonly space: string | null;
  readonly setOwner: string;
  readonly revoke: string | null;
};

const HAS_BOUNDS = `select from pg_constraint where conrelid = $1::oid and conname = '${BOUNDS}'`;

/** A session of a killed run may still work on its table: the server notices after a minute that its client is gone. */
const PATIENCE_MS = MINUTE_MS;

/**
 * Makes an empty table like the leaf beside the live one, with its columns, owner, rights, comments and storage, without
 * indexes. A table that a killed run left there goes first; the caller holds the lock `leaf-work` of the leaf, so no other
 * run works on it. Outside of a transaction. CannotSwap where the leaf has what a swap cannot keep.
 */
export async function makeScratch(client: OwnClient, leaf: BackupLeaf): Promise<void> {
  await refuseHindrances(client, leaf);
  await ensureSchema(client, LEAF_SCRATCH_SCHEMA);
  await dropScratch(client, leaf);
  const { old, parent } = await findTables(client, leaf);
  const table = tableOf(scratchOf(leaf));
  const stored = async () => onlyRow(await client.query<StoredRow>(STORED, [old ?? parent, table]));
  const { method, space, setOwner } = await stored();
  await inTransaction(client, async () => {
    await client.query(`create table ${table} (like ${tableOf({ name: leaf.parent })} including defaults including generated
      including storage including compression including constraints ${old === null ? "including comments" : ""})
      ${method === null ? "" : `using ${method}`} ${space === null ? "" : `tablespace ${space}`}`);
    await client.query(setOwner);
    if (old === null) return;
    const { revoke } = await stored();
    if (revoke !== null) await client.query(revoke);
    const { statements } = await readMissing(client, leaf);
    for (const { sql } of statements.filter(({ stage }) => stage === "table")) await client.query(sql);
  });
}

/**
 * Builds what the filled scratch table still lacks: every index of the leaf and of its parent under the final names, its
 * constraints and statistics, and the check of its bounds; at last its statistics for the planner. Idempotent. Outside of a
 * transaction. Fails with 23514 where a row lies outside of the leaf, with 23505 where a key is there twice.
 */
export async function finishScratch(client: OwnClient, leaf: BackupLeaf): Promise<void> {
  const table = tableOf(scratchOf(leaf));
  const { scratch } = await findTables(client, leaf);
  if (scratch === null) throw new Error(`${table} is gone: somebody dropped it while it was filled`);
  if ((await client.query(HAS_BOUNDS, [scratch])).length === 0) await client.query(addBounds(leaf));
  const { statements, renamings, builds } = await readMissing(client, leaf);
  for (const { from, to } of renamings)
    await client.query(
      `alter index ${pg.escapeIdentifier(LEAF_SCRATCH_SCHEMA)}.${pg.escapeIdentifier(from)} rename to ${pg.escapeIdentifier(to)}`,
    );
  for (const { sql } of statements) await client.query(sql);
  // the server chooses the names that it chooses for each new leaf
  for (const definition of builds)
    await client.query(
      /^(unique )?using /i.test(definition)
        ? `create ${definition.startsWith("unique ") ? "unique " : ""}index on ${table} ${definition.replace(/^unique /, "")}`
        : `alter table ${table} add ${definition}`,
    );
  await client.query(`analyze ${table}`);
}

/** What the scratch table lacks to be like the present leaf; an empty answer is the condition of the swap. */
export async function readMissing(client: OwnClient, leaf: BackupLeaf): Promise<Missing> {
  const { old, parent, scratch } = await findTables(client, leaf);
  const target = { schema: LEAF_SCRATCH_SCHEMA, leaf };
  if (scratch === null) throw new Error(`${tableOf(scratchOf(leaf))} is gone: somebody dropped it`);
  return planLikeness({
    old: old === null ? null : await readIdentity(client, old, target),
    parent: await readIdentity(client, parent, target),
    scratch: await readIdentity(client, scratch, target),
  });
}

/** Drops the scratch table of a leaf, if there is one. Busy where a session works on it for a minute. */
export async function dropScratch(client: OwnClient, leaf: Pick<BackupLeaf, "name">): Promise<void> {
  const table = `${pg.escapeIdentifier(LEAF_SCRATCH_SCHEMA)}.${pg.escapeIdentifier(leaf.name)}`;
  const drop = () =>
    client.query(`begin; set local lock_timeout = ${LOCK_TIMEOUT_MS}; drop table if exists ${table}; commit`);
  const dropOnce = () =>
    drop().catch(async (error: unknown) => {
      await client.query("rollback").catch(() => {}); // the first error says why
      throw error;
    });
  await retryBusy(dropOnce, performance.now() + PATIENCE_MS).catch(async (error: unknown) => {
    if (!isBusy(error)) throw error;
    const holders = renderSessions(await listTableHolders(client, [table]));
    throw new Busy(
      `${table}, which an earlier run left, could not be dropped; held by: ${holders || "nobody any more"}`,
      error,
    );
  });
}

async function findTables(client: OwnClient, leaf: BackupLeaf): Promise<Tables> {
  const names = [tableOf({ name: leaf.name }), tableOf({ name: leaf.parent }), tableOf(scratchOf(leaf))];
  const { old, parent, scratch } = onlyRow(
    await client.query<{ old: number | null; parent: number | null; scratch: number | null }>(
      FIND_TABLES,
      names,
    ),
  );
  if (parent === null) throw new Error(`r3a.${leaf.parent} does not exist: run migrate`);
  return { old, parent, scratch };
}

function addBounds(leaf: BackupLeaf): string {
  const timeOf = (ms: number) => `timestamptz ${pg.escapeLiteral(new Date(ms).toISOString())}`;
  return `alter table ${tableOf(scratchOf(leaf))} add constraint ${BOUNDS} check (
    "interval" in (${intervalsOf(leaf).map(pg.escapeLiteral).join(", ")})
    and "timestamp" >= ${timeOf(leaf.span.from)} and "timestamp" < ${timeOf(leaf.span.to)})`;
}

async function inTransaction(client: OwnClient, work: () => Promise<void>): Promise<void> {
  await client.query("begin");
  try {
    await work();
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => {}); // the first error says why
    throw error;
  }
}
