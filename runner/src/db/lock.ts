import { createHash } from "node:crypto";
import { setImmediate, setTimeout as wait } from "node:timers/promises";
import type pg from "pg";
import { coalesce } from "../coalesce.ts";
import { TryAgain } from "../errors.ts";
import { sleep } from "../sleep.ts";
import { type Database, openClient, withClient } from "./connect.ts";
import { cutClient, sessionOf } from "./connection/client.ts";
import { translate } from "./fault.ts";

/** Same key as `r3a_util.lock_key`: first 8 bytes of SHA-256, as text because it exceeds 2^53. */
export function lockKey(scope: string, key: string): string {
  return createHash("sha256").update(`r3a:v1:${scope}:${key}`).digest().readBigInt64BE(0).toString();
}

/** Locks held by one dedicated connection: they live exactly as long as it does. */
export type LockSession = {
  /** Connects. May be tried again where the database was away; everything else comes after it. */
  open(): Promise<void>;
  /** True when this session now holds the lock, false when another holder is at work. Never waits. */
  tryLock(scope: string, key: string): Promise<boolean>;
  /** Throws when the lock was not held any more: the work under it was not protected. */
  unlock(scope: string, key: string): Promise<void>;
  /** Aborted when the connection is lost, and the locks with it: whoever works under them must stop. */
  readonly lost: AbortSignal;
  /** The same, also aborted when the command is stopped. */
  readonly signal: AbortSignal;
  end(): Promise<void>;
};

const TRY_LOCKS = `select pg_try_advisory_lock(key) as held from unnest($1::bigint[]) with ordinality as k (key, n) order by n`;
const UNLOCKS = `select pg_advisory_unlock(key) as held from unnest($1::bigint[]) with ordinality as k (key, n) order by n`;

/**
 * The session is idle while the work goes on, so a connection that was forgotten on the way would stay unnoticed until
 * the server frees the locks (60 s, session-settings.ts), and two writers would be at one series. It is asked so often, and must
 * answer within this: 25 s at most. A minute job is over before the first question.
 */
const SIGN_EVERY_MS = 10_000;
const SIGN_WITHIN_MS = 15_000;
const SIGN = "select 1 as alive";
const SILENT = `the connection that holds our locks gave no answer for ${SIGN_WITHIN_MS / 1000} s; the run stops here, before the server frees them`;

/** A fail-over: the locks stay on the old server, where they hold nobody off, and its connection may be silent for long. */
const ELSEWHERE =
  "DB_URL leads to another server than the one that holds our locks (a fail-over or a restart; or a pooler spreads sessions over several servers); the run stops here";

/** Resolves when the session does not answer any more; rejects when `over` is aborted. */
async function waitForSilence(client: pg.Client, over: AbortSignal): Promise<void> {
  for (;;) {
    await wait(SIGN_EVERY_MS, undefined, { ref: false, signal: over });
    // an error is an answer too; that of a connection that ended is told by its own event
    const answered = client.query(SIGN).then(
      () => true,
      () => true,
    );
    const late = wait(SIGN_WITHIN_MS, undefined, { ref: false, signal: over })
      // after a pause of the whole process the timer is due before the answer that has come meanwhile is read
      .then(() => setImmediate(false));
    late.catch(() => {}); // it loses the race, and `over` ends it later
    if (!(await Promise.race([answered, late]))) return;
  }
}

/**
 * A session on a client of its own: on a pool, lock and unlock may meet different connections. `stop` ends waits for
 * a lock.
 */
export function createLockSession(db: Database, stop?: AbortSignal): LockSession {
  let client: pg.Client | null = null;
  let opening: Promise<void> = Promise.resolve();
  const lost = new AbortController();
  const over = new AbortController();
  const connect = async () => {
    const next = openClient(db);
    const onLoss = (cause?: Error) => {
      if (client === next)
        lost.abort(
          new TryAgain("the connection that holds our locks was lost; the run stops here", { cause }),
        );
    };
    next.on("error", onLoss);
    next.on("end", () => onLoss());
    await next.connect().catch((error: unknown) => {
      next.end().catch(() => {}); // the server would keep the socket for a minute
      throw translate(error);
    });
    client = next;
    const { server } = await sessionOf(next);
    const compare = (other: string) => {
      if (other === server) return;
      lost.abort(new TryAgain(ELSEWHERE));
      cutClient(next);
    };
    db.locked.add(compare);
    over.signal.addEventListener("abort", () => db.locked.delete(compare));
    waitForSilence(next, over.signal).then(
      () => {
        lost.abort(new TryAgain(SILENT));
        cutClient(next);
      },
      () => {}, // the session ended
    );
  };
  const ask = (text: string) =>
    coalesce(async (keys: readonly string[]) => {
      if (client === null) throw new Error("the session for locks is not open");
      const { rows } = await client.query<{ held: boolean }>(text, [keys]).catch((error: unknown) => {
        throw translate(error);
      });
      return rows.map(({ held }) => held);
    });
  const [lockAll, unlockAll] = [ask(TRY_LOCKS), ask(UNLOCKS)];
  return {
    open() {
      opening = connect();
      return opening;
    },
    lost: lost.signal,
    signal: stop === undefined ? lost.signal : AbortSignal.any([lost.signal, stop]),
    tryLock: (scope, key) => lockAll(lockKey(scope, key)),
    async unlock(scope, key) {
      if (await unlockAll(lockKey(scope, key))) return;
      throw new Error(
        `lock ${scope}:${key} was not held any more when its work ended; look for a second holder`,
      );
    },
    async end() {
      await opening.catch(() => {}); // whoever opened it was told
      over.abort();
      const ending = client;
      client = null;
      await ending?.end();
    },
  };
}

/** A session that is open. */
export async function openLockSession(db: Database, stop?: AbortSignal): Promise<LockSession> {
  const locks = createLockSession(db, stop);
  await locks.open();
  return locks;
}

/**
 * Waits for a lock by trying with jitter until `timeoutMs`: a blocked waiter would hold back vacuum everywhere.
 * False after the time; rejects when the session is lost or stopped.
 */
export async function waitForLock(
  locks: LockSession,
  { scope, key, timeoutMs }: { readonly scope: string; readonly key: string; readonly timeoutMs: number },
): Promise<boolean> {
  const until = performance.now() + timeoutMs;
  while (!(await locks.tryLock(scope, key))) {
    if (performance.now() > until) return false;
    await sleep(50 + Math.random() * 150, locks.signal);
  }
  return true;
}

const HOLDER = `
  select format('%s (pid %s), connected since %s', coalesce(nullif(application_name, ''), 'a session without a name'), pid,
                to_char(backend_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) as holder
  from r3a_util.lock_holder where scope = $1 and key = $2 and granted limit 1`;

/** In words, who holds the lock; null where nobody does any more. */
export async function findHolder(db: Database, scope: string, key: string): Promise<string | null> {
  const { rows } = await withClient(db, (client) => client.query<{ holder: string }>(HOLDER, [scope, key]));
  return rows[0]?.holder ?? null;
}
