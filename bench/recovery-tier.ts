import { mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import pino from "pino";
import { withClient } from "../dev/postgres/with-client.ts";
import { type BackupRequest, type BackupResult, runBackup } from "../runner/src/backup/backup-run.ts";
import { closeDatabase, openDatabase } from "../runner/src/db/connect.ts";
import { openFolderStore } from "../runner/src/store/folder-store.ts";
import type { Store } from "../runner/src/store/store.ts";
import { type Figure, peakRss } from "./report.ts";

/** A tier in a new folder with a spool and a key of its own. `env`: for a process that backs up or restores. */
export type Tier = {
  readonly root: string;
  readonly folder: string;
  readonly spool: string;
  readonly identity: string;
  readonly recipient: string;
  readonly store: Store;
  readonly env: Readonly<Record<string, string>>;
};

export async function makeTier(parent: string): Promise<Tier> {
  const root = await mkdtemp(join(parent, "tier-"));
  const [folder, spool] = [join(root, "hot"), join(root, "spool")];
  await Promise.all([mkdir(folder), mkdir(spool)]);
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const env = {
    ...{ BACKUP_HOT: `file://${folder}`, BACKUP_SPOOL: spool },
    ...{ BACKUP_RECIPIENTS: recipient, BACKUP_IDENTITY: identity },
  };
  const store = openFolderStore(folder, { tier: "hot", report: () => {} });
  return { root, folder, spool, identity, recipient, store, env };
}

/** The peak memory of a backup or a restore, whose pods have 256 MiB. */
export function peakOfJob(what: string, mb: number, detail: string): Figure {
  return { ...peakRss(what, mb, detail), most: 160 };
}

const FORGET = `
  truncate r3a.backup, r3a.backup_object, r3a.backup_copy, r3a.backup_use, r3a.backup_part, r3a.backup_leaf,
           r3a.backup_suspect, r3a.backup_doubt, r3a.backup_gap_series`;

/** Empties the ledger of backups: the next one is the first. */
export async function forgetBackups(url: string): Promise<void> {
  await withClient(url, (client) => client.query(FORGET));
}

/** Milliseconds of a backup in this process: as a whole, and of these what the store took to put and to be read back. */
export type BackupTimes = { readonly whole: number; readonly put: number; readonly readBack: number };

export async function timeBackup(
  url: string,
  { store, recipient, spool }: Tier,
  kind: BackupRequest["kind"],
): Promise<BackupTimes & { readonly result: BackupResult }> {
  const spent = { put: 0, readBack: 0 };
  const watched = watch(store, spent);
  const context = {
    runId: crypto.randomUUID(),
    signal: new AbortController().signal,
    log: pino({ level: "silent" }),
    terminal: null,
  };
  const db = openDatabase(url, "bench");
  const startedAt = performance.now();
  try {
    const request = { kind, stores: [watched], recipients: [recipient], spool, accept: null };
    const result = await runBackup(context, db, request);
    if (result === null) throw new Error("another backup is at work");
    return { ...spent, whole: performance.now() - startedAt, result };
  } finally {
    await closeDatabase(db);
  }
}

function watch(store: Store, spent: { put: number; readBack: number }): Store {
  const noting = async <T>(what: keyof typeof spent, work: Promise<T>) => {
    const startedAt = performance.now();
    try {
      return await work;
    } finally {
      spent[what] += performance.now() - startedAt;
    }
  };
  return {
    ...store,
    put: (...args) => noting("put", store.put(...args)),
    putText: (...args) => noting("put", store.putText(...args)),
    getText: (...args) => noting("readBack", store.getText(...args)),
    async get(key, signal) {
      const startedAt = performance.now();
      const body = await store.get(key, signal);
      body.once("close", () => {
        spent.readBack += performance.now() - startedAt;
      });
      return body;
    },
  };
}
