import { mkdirSync } from "node:fs";
import { join } from "node:path";
import pino from "pino";
import { beforeAll, beforeEach } from "vitest";
import { type BackupRequest, type BackupResult, runBackup } from "../../../runner/src/backup/backup-run.ts";
import { COPY_COLUMNS } from "../../../runner/src/db/copy-lines.ts";
import { own } from "../../../runner/src/db/session.ts";
import { openFolderStore } from "../../../runner/src/store/folder-store.ts";
import type { Store } from "../../../runner/src/store/store.ts";
import type { UsedDatabase } from "../database/database.ts";
import { temporaryFolder } from "../folder.ts";
import { newKey } from "./object.ts";
import { textOf, withRunner } from "./parts.ts";
import { restoreLines } from "./restored.ts";

/** Backups of a database with a new key and, for each test, new tiers in new folders. */
export type Backups = {
  readonly folder: string;
  readonly identity: string;
  readonly recipient: string;
  readonly hot: Store;
  readonly warm: Store;
  /** Into the tier hot where nothing else is said. */
  run(kind: "daily" | "delta", request?: Partial<BackupRequest>): Promise<BackupResult>;
  /** The candles of a table, of the live one where nothing else is said, as lines of COPY. */
  stored(table?: string): Promise<readonly string[]>;
  /** The candles that the newest manifest of a tier gives back. */
  restored(store?: Store): Promise<readonly string[]>;
};

/** Registers the hooks; valid in hooks that are registered later, and in tests. */
export function useBackups(database: UsedDatabase): Backups {
  let [folder, identity, recipient] = ["", "", ""];
  beforeAll(async () => {
    ({ identity, recipient } = await newKey());
  });
  beforeEach(() => {
    folder = temporaryFolder();
    for (const name of ["hot", "warm", "spool"]) mkdirSync(join(folder, name));
  });
  const storeOf = (tier: "hot" | "warm") => openFolderStore(join(folder, tier), { tier, report: () => {} });
  const signal = new AbortController().signal;
  const backups: Backups = {
    get folder() {
      return folder;
    },
    get identity() {
      return identity;
    },
    get recipient() {
      return recipient;
    },
    get hot() {
      return storeOf("hot");
    },
    get warm() {
      return storeOf("warm");
    },
    async run(kind, request = {}) {
      const log = pino({ level: "silent" });
      const context = { runId: crypto.randomUUID(), signal, log, terminal: null };
      const spool = join(folder, "spool");
      const whole = {
        kind,
        stores: [storeOf("hot")],
        recipients: [recipient],
        spool,
        accept: null,
        ...request,
      };
      const result = await withRunner(database, (db) => runBackup(context, db, whole));
      if (result === null) throw new Error("another backup is at work");
      return result;
    },
    async stored(table = "r3a.ohlcv_partitioned") {
      const select = `copy (select ${COPY_COLUMNS} from ${table}) to stdout`;
      const text = await withRunner(database, (db) =>
        own(db, signal, (client) => textOf(client.copyOut(select))),
      );
      return text.trimEnd().split("\n").toSorted();
    },
    restored: (store = storeOf("hot")) => restoreLines(store, identity),
  };
  return backups;
}
