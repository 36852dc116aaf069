import pg from "pg";
import { LEAF_SCRATCH_SCHEMA } from "../../contract/names.ts";
import { renderTime, SECOND_MS } from "../../time.ts";
import { type BackupLeaf, tableOf } from "../backup/backup-leaf.ts";
import { codeOf } from "../fault.ts";
import { LOCK_TIMEOUT_MS } from "../lock-retry.ts";
import type { OwnClient } from "../session.ts";
import { LOCK_NOT_AVAILABLE, UNDEFINED_TABLE } from "../sqlstate.ts";
import { guardStatements, LEAF_LOCK_MS } from "./guard.ts";
import { readHold } from "./hold.ts";
import { BOUNDS, readIdentity } from "./identity.ts";
import { moveStatements, noteQuarantined, quarantineName } from "./quarantine.ts";
import { readMissing, refuseHindrances, scratchOf } from "./scratch.ts";
import { lockLeafState } from "./state.ts";
import type { SwapOptions, SwapOutcome } from "./swap-terms.ts";

/** The leaf has got an index or another property since the scratch table was finished. */
export class Unlike extends Error {
  override readonly name = "Unlike";
}

/** The leaf is not as it was taken: `outcome` is the end of the swap. */
class Refused extends Error {
  override readonly name = "Refused";
  readonly outcome: SwapOutcome;
  constructor(outcome: "changed" | "held", why: string) {
    super(why);
    this.outcome = { outcome, why };
  }
}

/**
 * Readers and writers do not queue behind this lock, so it may be awaited for longer. Who waits for more than a second
 * (deadlock_timeout) makes an autovacuum give way; a wait of 100 ms never would.
 */
const QUIET_LOCK_MS = 3 * SECOND_MS;
/** A transaction that is older than this will hardly end within 100 ms: the attempt would only hold others up. */
const LONG_S = 1;
/** Where long readers follow each other without a pause, one of so many attempts is made all the same. */
const ANYWAY_EVERY = 5;

type Place = { readonly oid: number; readonly isAttached: boolean; readonly isDetaching: boolean };
const FIND_PLACE = `
  select c.oid, i.inhparent is not null as "isAttached", coalesce(i.inhdetachpending, false) as "isDetaching"
  from pg_class c left join pg_inherits i on i.inhrelid = c.oid where c.oid = to_regclass($1)`;

const LONG_HOLDERS = `
  select l.pid from pg_locks l join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'relation' and l.granted and l.pid <> pg_backend_pid()
    and l.relation in (to_regclass($1), to_regclass($2))
    and l.database = (select oid from pg_database where datname = current_database())
    and a.xact_start < clock_timestamp() - make_interval(secs => ${LONG_S}) limit 1`;

const SCRATCH_STATISTICS = `select quote_ident(stxname) as name from pg_statistic_ext where stxrelid = to_regclass($1)`;

/** One transaction; rolled back where it throws, and where the leaf is not as it was taken. */
export async function attemptSwap(
  client: OwnClient,
  options: SwapOptions,
  attempt: number,
): Promise<SwapOutcome> {
  await finishDetach(client, options.leaf);
  // a standby that is away must not keep readers out of the leaf
  await client.query(
    `begin; set local synchronous_commit = local; set local lock_timeout = ${QUIET_LOCK_MS}`,
  );
  try {
    const place = await lockShape(client, options);
    await refuseHindrances(client, options.leaf);
    await refuseUnlike(client, options.leaf);
    const { statements, table } = await planStatements(client, options, place);
    if (attempt % ANYWAY_EVERY !== 0) await giveWay(client, options.leaf);
    const limit = lockLimit();
    await lockState(client, options, limit);
    if (place !== null && table !== null)
      await noteQuarantined(client, place.oid, { ...options, leaf: options.leaf.name, tableName: table });
    await options.prepare(client);
    await completeScratch(client, options, place);
    const heldSince = performance.now();
    const tables = [
      tableOf({ name: options.leaf.parent }),
      ...(place === null ? [] : [tableOf(options.leaf)]),
    ];
    for (const each of tables)
      await limit.within(client, () => client.query(`lock table only ${each} in access exclusive mode`));
    await limit.within(client, () => client.query(statements));
    await options.finish(client);
    await client.query("commit");
    return { outcome: "swapped", table, attempts: attempt, heldMs: performance.now() - heldSince };
  } catch (error) {
    await client.query("rollback").catch(() => {}); // the first error says why
    if (error instanceof Refused) return error.outcome;
    throw error;
  }
}

/**
 * Keeps away who builds an index, attaches a leaf or vacuums, until the end of the transaction: what the catalog says of the
 * leaf stays true, and no autovacuum is waited for later.
 */
async function lockShape(client: OwnClient, { leaf, oid }: SwapOptions): Promise<Place | null> {
  const [place = null] = await client.query<Place>(FIND_PLACE, [tableOf(leaf)]);
  if ((place?.oid ?? null) !== oid)
    throw new Refused("changed", `r3a.${leaf.name} is another table than the one that was taken`);
  const tables = [
    ...(place === null ? [] : [tableOf(leaf)]),
    tableOf({ name: leaf.parent }),
    tableOf(scratchOf(leaf)),
  ];
  try {
    await client.query(`lock table only ${tables.join(", only ")} in share update exclusive mode`);
  } catch (error) {
    if (codeOf(error) !== UNDEFINED_TABLE) throw error;
    throw new Refused("changed", `a table is gone: ${error instanceof Error ? error.message : ""}`);
  }
  // the lock may have been awaited while somebody detached or dropped the table
  const [now = null] = await client.query<Place>(FIND_PLACE, [tableOf(leaf)]);
  if ((now?.oid ?? null) !== oid || now?.isDetaching)
    throw new Refused("changed", `r3a.${leaf.name} was replaced or detached meanwhile`);
  return now;
}

async function refuseUnlike(client: OwnClient, leaf: BackupLeaf): Promise<void> {
  const { statements, renamings, builds, extra } = await readMissing(client, leaf);
  const first = [
    ...statements.map(({ sql }) => sql),
    ...renamings.map(({ to }) => to),
    ...builds,
    ...extra,
  ][0];
  if (first !== undefined)
    throw new Unlike(`the table that was to replace r3a.${leaf.name} is not like it: ${first}`);
}

/** The statements that need the table for the swap alone, and the name that the old table gets. */
async function planStatements(
  client: OwnClient,
  { leaf, token }: SwapOptions,
  place: Place | null,
): Promise<{ readonly statements: string; readonly table: string | null }> {
  const old = {
    name: leaf.name,
    parent: leaf.parent,
    suffix: `_${token}`,
    isAttached: place?.isAttached === true,
  };
  const move = place === null ? [] : [await moveStatements(client, place.oid, old)];
  const statistics = await client.query<{ name: string }>(SCRATCH_STATISTICS, [tableOf(scratchOf(leaf))]);
  const [table, parent] = [tableOf(leaf), tableOf({ name: leaf.parent })];
  const [from, to] = [leaf.span.from, leaf.span.to].map((ms) => pg.escapeLiteral(renderTime(ms)));
  const statements = [
    ...move,
    `alter table ${tableOf(scratchOf(leaf))} set schema r3a`,
    ...statistics.map(({ name }) => `alter statistics ${LEAF_SCRATCH_SCHEMA}.${name} set schema r3a`),
    `alter table ${parent} attach partition ${table} for values from (${from}) to (${to})`,
    `alter table ${table} drop constraint ${BOUNDS}`,
  ].join(";\n");
  return { statements, table: place === null ? null : quarantineName(old) };
}

/** A reader that holds the leaf for a minute: other readers would queue behind each attempt, and none could succeed. */
async function giveWay(client: OwnClient, leaf: BackupLeaf): Promise<void> {
  const tables = [tableOf(leaf), tableOf({ name: leaf.parent })];
  const [holder] = await client.query<{ pid: number }>(LONG_HOLDERS, tables);
  if (holder === undefined) return;
  throw Object.assign(
    new Error(`the session ${holder.pid} has held ${tables[0]} for longer than ${LONG_S} s`),
    {
      code: LOCK_NOT_AVAILABLE,
    },
  );
}

/**
 * Takes the row of the state, so that no writer reopens the leaf from now on, and goes on only under the own token. A standby
 * that lacked the taking when it became the primary gives its number to the next run: so the run counts too.
 */
async function lockState(client: OwnClient, options: SwapOptions, limit: LockLimit): Promise<void> {
  const { leaf, token, runId, state } = options;
  const now = await limit.within(client, () => lockLeafState(client, leaf.name));
  if (now === null || now.token !== token || now.runId !== runId)
    throw new Refused(
      "changed",
      `another run has taken ${leaf.name} since, or the server that knew of this one is gone`,
    );
  if (now.state !== state)
    throw new Refused("changed", `${leaf.name} was written to: it is ${now.state} again`);
  const hold = await readHold(client);
  if (hold !== null) throw new Refused("held", hold.reason);
}

/** What must not be there while rows come: triggers of strangers, and the guard. */
async function completeScratch(client: OwnClient, options: SwapOptions, place: Place | null): Promise<void> {
  const { leaf, guard } = options;
  const lines =
    place === null ? [] : await readIdentity(client, place.oid, { schema: LEAF_SCRATCH_SCHEMA, leaf });
  const late = lines.filter(({ stage }) => stage === "late").map(({ sql }) => sql);
  if (guard) late.push(guardStatements(scratchOf(leaf)));
  if (late.length > 0) await client.query(late.join(";\n"));
}

/** A detach that was cut in the middle keeps the leaf from every other change. It waits for old snapshots, not for readers. */
async function finishDetach(client: OwnClient, leaf: BackupLeaf): Promise<void> {
  const [place] = await client.query<Place>(FIND_PLACE, [tableOf(leaf)]);
  if (place?.isDetaching !== true) return;
  const sql = `alter table ${tableOf({ name: leaf.parent })} detach partition ${tableOf(leaf)} finalize`;
  await client
    .query(`begin; set local lock_timeout = ${LOCK_TIMEOUT_MS}; ${sql}; commit`)
    .catch(async (error: unknown) => {
      await client.query("rollback").catch(() => {}); // the first error says why
      throw error;
    });
}

type LockLimit = { within<T>(client: OwnClient, work: () => Promise<T>): Promise<T> };

/** Lets all locks of an attempt together wait LEAF_LOCK_MS at most. */
function lockLimit(): LockLimit {
  let left = LEAF_LOCK_MS;
  return {
    async within(client, work) {
      await client.query(`set local lock_timeout = ${Math.max(1, Math.round(left))}`);
      const begunAt = performance.now();
      const result = await work();
      left -= performance.now() - begunAt;
      return result;
    },
  };
}
