import { createHash } from "node:crypto";
import { setImmediate, setTimeout as wait } from "node:timers/promises";
import type pg from "pg";
import { coalesce } from "../coalesce.ts";
import { TryAgain } from "../errors.ts";
import { sleep } from "../sleep.ts";
import { type Database, faultOfConnection, openClient, queryRows } from "./connect.ts";
import { nameAddress } from "./connection/address.ts";
import { cutClient, sessionOf } from "./connection/client.ts";

/**
 * The same key as that of `r3a_util.lock_key`: the first 8 bytes of SHA-256, as text because the number exceeds 2^53.
 */
export function lockKey(scope: string, key: string): string {
  return createHash("sha256").update(`r3a:v1:${scope}:${key}`).digest().readBigInt64BE(0).toString();
}

/** Locks that one connection of their own holds: they live exactly as long as this connection. */
export type LockSession = {
  /** Connects. The caller may try again where the database was away. Every other function needs an open session. */
  open(): Promise<void>;
  /** True where this session holds the lock now, false where another holder is at work. Never waits. */
  tryLock(scope: string, key: string): Promise<boolean>;
  /** Throws where the lock was not held any more: the work under it was not protected. */
  unlock(scope: string, key: string): Promise<void>;
  /** Aborted when the connection is lost, and with it the locks: the work under them must stop. */
  readonly lost: AbortSignal;
  /** Aborted when the connection is lost, or when the command is stopped. */
  readonly signal: AbortSignal;
  end(): Promise<void>;
};

const TRY_LOCKS = `select pg_try_advisory_lock(key) as held from unnest($1::bigint[]) with ordinality as k (key, n) order by n`;
const UNLOCKS = `select pg_advisory_unlock(key) as held from unnest($1::bigint[]) with ordinality as k (key, n) order by n`;

/**
 * The session is idle while the work goes on. So nobody would notice that its connection was forgotten on the way until
 * the server frees the locks (60 s, session-settings.ts), and two writers would work on one series. Therefore the
 * session is asked this often, and must answer within this time: 25 s together at most. A minute job is over before the
 * first question.
 */
const SIGN_EVERY_MS = 10_000;
const SIGN_WITHIN_MS = 15_000;
const SIGN = "select 1 as alive";
const SILENT = `the connection that holds the locks of this run gave no answer for ${SIGN_WITHIN_MS / 1000} s; the run stops here, before the server frees them`;

/**
 * After a fail-over the locks stay on the old server, where they keep nobody away, and the connection to it may be
 * silent for long.
 */
const ELSEWHERE =
  "DB_URL leads to another server than the one that holds the locks of this run (a fail-over or a restart; or a pooler spreads sessions over several servers); the run stops here";

/** Resolves when the session stops to answer; rejects when `over` is aborted. */
async function waitForSilence(client: pg.Client, over: AbortSignal): Promise<void> {
  for (;;) {
    await wait(SIGN_EVERY_MS, undefined, { ref: false, signal: over });
    // an error is an answer too; the end of a connection has an event of its own
    const answered = client.query(SIGN).then(
      () => true,
      () => true,
    );
    const late = wait(SIGN_WITHIN_MS, undefined, { ref: false, signal: over })
      // after a pause of the whole process the timer is due before an answer is read that came in the pause
      .then(() => setImmediate(false));
    late.catch(() => {}); // where this promise loses the race, `over` ends it later
    if (!(await Promise.race([answered, late]))) return;
  }
}

/**
 * A session on a connection of its own: in a pool, lock and unlock may get different connections. `stop` ends the waits
 * for a lock.
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
          new TryAgain("the connection that holds the locks of this run was lost; the run stops here", {
            cause,
          }),
        );
    };
    next.on("error", onLoss);
    next.on("end", () => onLoss());
    await next.connect().catch((error: unknown) => {
      next.end().catch(() => {}); // the server would keep the socket for a minute
      throw faultOfConnection(db, error);
    });
    client = next;
    const { server } = await sessionOf(next).catch((error: unknown) => {
      throw nameAddress(error, db.address);
    });
    const compare = (other: string) => {
      if (other === server) return;
      lost.abort(nameAddress(new TryAgain(ELSEWHERE), db.address));
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
        throw faultOfConnection(db, error);
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
      await opening.catch(() => {}); // the caller of open() has this error
      over.abort();
      const ending = client;
      client = null;
      await ending?.end();
    },
  };
}

/** Makes a session and opens it. */
export async function openLockSession(db: Database, stop?: AbortSignal): Promise<LockSession> {
  const locks = createLockSession(db, stop);
  await locks.open();
  return locks;
}

/**
 * Tries to get a lock, again and again with jitter, for `timeoutMs`. The session does not block, since a blocked
 * session would hold back vacuum everywhere. False after the time; rejects when the session is lost or stopped.
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

/** Who holds the lock, in words; null where nobody holds it any more. */
export async function findHolder(db: Database, scope: string, key: string): Promise<string | null> {
  const rows = await queryRows<{ holder: string }>(db, HOLDER, [scope, key]);
  return rows[0]?.holder ?? null;
}
