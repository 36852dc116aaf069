import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type pg from "pg";
import { messageOf, SettingsFault, TryAgain } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { sleep } from "../../sleep.ts";
import { renderDuration } from "../../time.ts";
import { CONNECT_TIMEOUT_MS, type Database, withClient } from "../connect.ts";
import { codeOf } from "../fault.ts";
import { INVALID_SCHEMA, UNDEFINED_COLUMN, UNDEFINED_TABLE } from "../sqlstate.ts";
import { currentNames, missingFirst } from "./first-numbers.ts";
import { describeLoading, findLoading, IS_GATED } from "./restore-gate.ts";

/** Beside the sources in development, beside the bundle in the image. */
const SQL = new URL(import.meta.url.endsWith(".ts") ? "../../../../sql/" : "sql/", import.meta.url);
export const MIGRATIONS = fileURLToPath(new URL("migrations", SQL));
/** What a database of an earlier day may lack before its names are rewritten. */
export const FIRST_MIGRATIONS = fileURLToPath(new URL("first-migrations", SQL));

/** Every command asks this first, so that the gate of a restore costs the minute job no statement of its own. */
export const APPLIED = `select name, ${IS_GATED} as "isGated" from r3a.migration order by name`;
type AppliedRow = { readonly name: string; readonly isGated: boolean };

/** Names of the files that were not applied to the database yet. */
export async function listPending(db: Database): Promise<readonly string[]> {
  return withClient(db, findPending);
}

/** The same by one client. If the database has no schema, the caller's transaction can only be rolled back. */
export async function findPending(client: pg.ClientBase): Promise<readonly string[]> {
  return pendingOf(await listApplied(client));
}

/** The files that are missing, given the names in r3a.migration. */
export async function pendingOf(applied: readonly string[]): Promise<readonly string[]> {
  const current = new Set(currentNames(applied));
  return [...missingFirst(applied), ...(await listFiles()).filter((file) => !current.has(file))];
}

/** The names in r3a.migration, unchanged. */
export async function listApplied(client: pg.ClientBase): Promise<readonly string[]> {
  return (await readApplied(client)).map(({ name }) => name);
}

async function readApplied(client: pg.ClientBase): Promise<readonly AppliedRow[]> {
  return client.query<AppliedRow>(APPLIED).then(
    ({ rows }) => rows,
    (error: unknown) => {
      if (codeOf(error) === UNDEFINED_TABLE || codeOf(error) === INVALID_SCHEMA) return [];
      if (codeOf(error) === UNDEFINED_COLUMN) throw new SettingsFault([FOREIGN_LEDGER]);
      throw error;
    },
  );
}

/** Names of all migrations of this program, in order. */
export async function listFiles(): Promise<readonly string[]> {
  const files = (await readdir(MIGRATIONS)).filter((file) => file.endsWith(".sql"));
  return files.map((file) => file.slice(0, -4)).toSorted();
}

const FOREIGN_LEDGER =
  "r3a.migration has no column name, so another program made it: rename it, or let DB_URL name another database";

/** Without a deadline a person waits: say soon that the database is away. */
const PATIENCE_MS = 10_000;

/** How long a command waits for its schema: a third of its deadline, since the rest is for the work. */
export function patienceMs(deadlineS: number | null): number {
  return deadlineS === null ? PATIENCE_MS : (deadlineS * 1000) / 3;
}

/** Whoever watches a command that says nothing for longer takes the command for stuck. */
const SILENCE_MS = 1_000;

/** How long to wait; `tell` gets one sentence, after a second without the database. */
export type Wait = {
  readonly waitMs: number;
  readonly signal: AbortSignal;
  readonly tell: (sentence: string) => void;
};

/**
 * Waits until the database answers, has every migration of this program, and no restore keeps it closed; TryAgain after
 * `waitMs`, which says which of these it was, and at once where the process of the restore is gone.
 */
export async function waitForSchema(db: Database, { waitMs, signal, tell }: Wait): Promise<void> {
  const until = performance.now() + waitMs;
  let [why, longestMs] = ["no answer yet", Math.max(waitMs, CONNECT_TIMEOUT_MS)];
  const timer = setTimeout(
    () => tell(`waiting for the database, for up to ${renderDuration(longestMs)}: ${why}`),
    SILENCE_MS,
  );
  try {
    for (;;) {
      const lack = await withClient(db, findLack).catch((error: unknown) => {
        if (error instanceof TryAgain) return { fault: error, isFinal: false };
        throw error;
      });
      if (lack === null) return;
      if (lack.isFinal || performance.now() >= until) throw lack.fault;
      [why, longestMs] = [messageOf(lack.fault), waitMs];
      await sleep(Math.min(500, Math.max(1, until - performance.now())), signal);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Why nothing can work in the database yet; `isFinal`: nobody works on that. */
type Lack = { readonly fault: TryAgain; readonly isFinal: boolean };

/** null where everything can work. */
async function findLack(client: pg.ClientBase): Promise<Lack | null> {
  const applied = await readApplied(client);
  if (applied.some(({ isGated }) => isGated)) {
    const loading = await findLoading(client);
    if (loading !== null)
      return { fault: new TryAgain(describeLoading(loading)), isFinal: loading.isAlive === false };
  }
  const pending = await pendingOf(applied.map(({ name }) => name));
  if (pending.length === 0) return null;
  return {
    fault: new TryAgain(`the database lacks ${pending.join(", ")}: run migrate`),
    isFinal: false,
  };
}

/** Tells of the wait in the log, where a person at a terminal sees it too. */
export function tellOfWait({ log }: { readonly log: Logger }): Wait["tell"] {
  return (sentence) => log.warn({ "event.name": "database_awaited" }, `[RUN] ${sentence}`);
}
