import pg from "pg";
import { TryAgain } from "../../errors.ts";
import { begin } from "../../under-way.ts";
import { codeOf } from "../fault.ts";
import { LOCK_NOT_AVAILABLE } from "../sqlstate.ts";
import { type Look, lookAt } from "./look.ts";

/** When a statement takes this long, another connection looks at it; a healthy minute job has no such statement. */
const FIRST_LOOK_MS = 2_000;
const NEXT_LOOK_MS = 5_000;
/**
 * After so many looks in a row at which the server is not at work on the statement, the connection counts as lost,
 * whatever the socket says.
 */
const LOST_AFTER_LOOKS = 3;
const LONGEST_TEXT = 80;

const LOST =
  "the connection to the database is lost without a sign: a statement waits for an answer, and the server is not at work on it (a firewall or a fail-over forgot the connection, or the server hangs)";

/** The session to watch, the client that looks at it, and how to cut it. `pid` is null until the session is set. */
type Watched = {
  readonly makeOther: () => pg.Client;
  readonly pid: () => number | null;
  readonly cut: (reason: Error) => void;
};

/**
 * Watches one statement. Without the watch the program would wait for a half-open connection without end; and since
 * some statements take minutes, the time alone says nothing. The returned functions end the watch; `explain` adds to a
 * lock time-out who held the lock.
 */
export function watchStatement(
  { makeOther, pid, cut }: Watched,
  text: string,
): { readonly end: () => void; readonly explain: (error: unknown) => unknown } {
  let last: Look | null = null;
  let inVain = 0;
  let isOver = false;
  const look = async () => {
    const process = pid();
    // without a process there was only the statement that sets the session, which is done at once
    const seen = process === null ? { isAtWork: false, heldBy: null } : await lookAt(makeOther, process);
    if (isOver) return;
    last = seen.heldBy === null && last !== null ? { ...last, isAtWork: seen.isAtWork } : seen;
    inVain = seen.isAtWork ? 0 : inVain + 1;
    if (inVain === LOST_AFTER_LOOKS) cut(new TryAgain(seen.heldBy ?? LOST));
    else timer = lookIn(NEXT_LOOK_MS);
  };
  const lookIn = (ms: number) => setTimeout(() => void look(), ms).unref();
  let timer = lookIn(FIRST_LOOK_MS);
  const done = begin(
    () => `the statement "${shorten(text)}"${last?.heldBy == null ? "" : ` (${last.heldBy})`}`,
  );
  return {
    end() {
      isOver = true;
      clearTimeout(timer);
      done();
    },
    explain(error) {
      if (error instanceof pg.DatabaseError && codeOf(error) === LOCK_NOT_AVAILABLE && last?.heldBy != null)
        error.detail = `${last.heldBy}: let that session end, or end it with pg_terminate_backend`;
      return error;
    },
  };
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  if (line.length <= LONGEST_TEXT) return line;
  const tables = new Set(line.match(/\br3a(_util)?\.\w+/g));
  return `${line.slice(0, LONGEST_TEXT)}... (${[...tables].slice(0, 3).join(", ")})`;
}
