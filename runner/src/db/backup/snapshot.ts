import { messageOf, SettingsFault } from "../../errors.ts";
import type { Database } from "../connect.ts";
import { codeOf } from "../fault.ts";
import { lockKey } from "../lock.ts";
import { onlyRow } from "../only-row.ts";
import { quoted } from "../schema/roles-plan.ts";
import { type OwnClient, own } from "../session.ts";
import { msOf } from "../sql-time.ts";
import { INSUFFICIENT_PRIVILEGE } from "../sqlstate.ts";
import {
  abandonBackups,
  type BackupKind,
  closeBackup,
  noteSnapshot,
  openBackup,
  type SnapshotFacts,
} from "./backup-rows.ts";
import { type LeafCounter, readCounters } from "./leaf-counters.ts";

/** One state of the whole database that several sessions see, for as long as `withSnapshot` works. */
export type Snapshot = {
  /** Id in r3a.backup. The ids are in the order of the snapshots. */
  readonly backup: number;
  readonly facts: SnapshotFacts;
  /** Counters of the leaves from just before the snapshot: what they count, the snapshot shows. */
  readonly counters: ReadonlyMap<string, LeafCounter>;
  /** The session that holds the snapshot: for small reads alone, since its locks stay until the end. */
  readonly client: OwnClient;
  /** Runs `work` in a session and transaction of its own that sees the same state. Locks on leaves end with it. */
  beside<T>(work: (client: OwnClient) => Promise<T>): Promise<T>;
};

/**
 * A transaction that only reads, without a limit on its idle time: it is idle while the leaves are read beside it. The
 * server takes the rows of a COPY that nobody reads for an unreachable client: with the 60 s of the session it reset the
 * connection of a spool whose disk stood still for 70 s.
 */
const BEGIN = `
  begin isolation level repeatable read read only; set local idle_in_transaction_session_timeout = 0;
  set local tcp_user_timeout = '10min'`;

/** A standby has no place to write; the checkpoint knows more. */
const FACTS = `
         ${msOf("clock_timestamp()")} as "takenAt",
         pg_snapshot_xmin(pg_current_snapshot())::text as xmin, pg_snapshot_xmax(pg_current_snapshot())::text as "nextXid",
         (select system_identifier::text from pg_control_system()) as "systemIdentifier",
         case when pg_is_in_recovery() then (select timeline_id from pg_control_checkpoint())
              else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int end as timeline,
         current_setting('server_version_num')::int as "serverVersion"`;
/** The first statement of the transaction takes the snapshot. */
const TAKE = `select pg_export_snapshot() as name, ${FACTS}`;
const READ_FACTS = `select ${FACTS}`;

type FactsRow = Omit<SnapshotFacts, "xmin" | "nextXid"> & {
  readonly xmin: string;
  readonly nextXid: string;
};
type TakenRow = FactsRow & { readonly name: string };

/** Between the row of the backup and its snapshot no other backup takes a snapshot. Held for some ms. */
export const ORDER_KEY = lockKey("backup-snapshot", "global");
const LOCK = `select pg_advisory_lock($1::bigint)`;
const UNLOCK = `select pg_advisory_unlock($1::bigint)`;

/**
 * Opens a backup in the ledger and takes its snapshot. The caller holds the lock of the kind, so a backup of this kind that
 * is still `running` in the ledger was killed, and is closed. If `work` throws, the ledger says that the backup failed.
 */
export async function withSnapshot<T>(
  db: Database,
  {
    runId,
    kind,
    signal,
  }: { readonly runId: string; readonly kind: BackupKind; readonly signal: AbortSignal },
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  return own(db, signal, async (client) => {
    await abandonBackups(client, kind);
    // before the snapshot: a change that is counted has ended, so the snapshot shows it
    const counters = await readCounters(client);
    await client.query(LOCK, [ORDER_KEY]);
    const backup = await openBackup(client, { runId, kind });
    try {
      const { name, facts } = await take(client);
      await noteSnapshot(db, backup, facts);
      const beside = <U>(read: (other: OwnClient) => Promise<U>) =>
        own(db, signal, async (other) => {
          await other.query(`${BEGIN}; set transaction snapshot ${quotedText(name)}`);
          const result = await read(other);
          await other.query("commit");
          return result;
        });
      const result = await work({ backup, facts, counters, client, beside });
      await client.query("commit");
      return result;
    } catch (error) {
      // where the database is away, the next backup of this kind closes the row
      await closeBackup(db, backup, { outcome: "failed", error: messageOf(error) }).catch(() => {});
      throw error;
    }
  });
}

async function take(client: OwnClient): Promise<{ readonly name: string; readonly facts: SnapshotFacts }> {
  await client.query(BEGIN);
  const taken = await client.query<TakenRow>(TAKE).catch(async (error: unknown) => {
    if (codeOf(error) !== INSUFFICIENT_PRIVILEGE) throw error;
    await client.query("rollback");
    throw new SettingsFault([await rightsFault(client)], { cause: error });
  });
  await client.query(UNLOCK, [ORDER_KEY]);
  const { name, ...facts } = onlyRow(taken);
  return { name, facts: toFacts(facts) };
}

/** Of the statement itself; in a transaction that is read committed, the next one has a later snapshot. */
export async function readFacts(client: OwnClient): Promise<SnapshotFacts> {
  return toFacts(onlyRow(await client.query<FactsRow>(READ_FACTS)));
}

function toFacts({ xmin, nextXid, ...facts }: FactsRow): SnapshotFacts {
  return { ...facts, xmin: BigInt(xmin), nextXid: BigInt(nextXid) };
}

/** Everybody has these rights unless an administrator took them away. */
const FUNCTIONS = ["pg_control_system()", "pg_current_wal_lsn()", "pg_walfile_name(pg_lsn)"];

const FIND_MISSING = `
  select current_user::text as role, array(select name from unnest($1::text[]) name where not has_function_privilege(name, 'execute')) as missing`;

async function rightsFault(client: OwnClient): Promise<string> {
  const rows = await client.query<{ role: string; missing: string[] }>(FIND_MISSING, [FUNCTIONS]);
  const { role, missing } = onlyRow(rows);
  const names = missing.length === 0 ? FUNCTIONS : missing;
  return `role ${role} may not ask which server this is, and a backup must know: an administrator runs: grant execute on function ${names.join(", ")} to ${quoted(role)}`;
}

const quotedText = (text: string) => `'${text.replaceAll("'", "''")}'`;
