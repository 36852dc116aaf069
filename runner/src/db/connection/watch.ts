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
 * After so many looks in a row at which the server is not at work on the statement, and between which not a byte came,
 * the connection counts as lost, whatever the socket says.
 */
const LOST_AFTER_LOOKS = 3;
const LONGEST_TEXT = 80;

const LOST =
  "the connection to the database is lost without a sign: a statement waits for an answer, and the server is not at work on it (a firewall or a fail-over forgot the connection, or the server hangs)";

/** The session to watch, the client that looks at it, and how to cut it. */
type Watched = {
  readonly makeOther: () => pg.Client;
  /** Null until the session is set. */
  readonly pid: () => number | null;
  /** Bytes that came from the server since the connection was opened. */
  readonly bytesRead: () => number;
  readonly cut: (reason: Error) => void;
};

/** `text` names it. `isUnread`: whether rows have come that nobody has read yet; the server may be waiting for their reader. */
type Watch = { readonly text: string; readonly isUnread: () => boolean };

/**
 * Watches one statement. Without the watch the program would wait for a half-open connection without end; and since
 * some statements take minutes, the time alone says nothing. The returned functions end the watch; `explain` adds to a
 * lock time-out who held the lock.
 */
export function watchStatement(
  { makeOther, pid, bytesRead, cut }: Watched,
  { text, isUnread }: Watch,
): { readonly end: () => void; readonly explain: (error: unknown) => unknown } {
  let last: Look | null = null;
  let inVain = 0;
  let seenBytes = bytesRead();
  let isOver = false;
  const look = async () => {
    const process = pid();
    // without a process there was only the statement that sets the session, which is done at once
    const seen = process === null ? { isAtWork: false, heldBy: null } : await lookAt(makeOther, process);
    if (isOver) return;
    last = seen.heldBy === null && last !== null ? { ...last, isAtWork: seen.isAtWork } : seen;
    // where the reader is slow the server waits for it, at each look: a busy disk of the spool would lose a healthy backup
    const before = seenBytes;
    seenBytes = bytesRead();
    if (seen.isAtWork || isUnread()) inVain = 0;
    else inVain = seenBytes > before ? 1 : inVain + 1;
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
