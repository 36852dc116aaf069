import pg from "pg";
import { messageOf, TryAgain } from "../../errors.ts";
import { codeOf, kindOf } from "../fault.ts";
import { UNDEFINED_TABLE } from "../sqlstate.ts";

/**
 * What an error says of a leaf that was read. `unreadable`: the stored data gave it. `lost`: the connection is gone. `busy`:
 * somebody holds the leaf, or cancelled the statement. `gone`: the table was dropped or moved meanwhile. `other`: nothing of
 * the leaf.
 */
export type ReadFault = "unreadable" | "lost" | "busy" | "gone" | "other";

/** What garbage in a row gives: a length beyond all memory (XX000), a time out of range (22008), a limit of the server (54). */
const GARBAGE = /^(XX|22|54)/;

export function faultOfRead(error: unknown): ReadFault {
  const kind = kindOf(error);
  if (kind === "damage") return "unreadable";
  if (error instanceof TryAgain) return kind === "later" ? "busy" : "lost";
  if (kind === "later") return "busy";
  if (codeOf(error) === UNDEFINED_TABLE) return "gone";
  return kind === null && GARBAGE.test(serverErrorOf(error)?.code ?? "") ? "unreadable" : "other";
}

/** The server's own words and its SQLSTATE. */
export function wordsOf(error: unknown): string {
  const cause = serverErrorOf(error);
  return cause === null ? messageOf(error) : `${cause.message} (SQLSTATE ${cause.code})`;
}

function serverErrorOf(error: unknown): pg.DatabaseError | null {
  if (error instanceof pg.DatabaseError) return error;
  return error instanceof Error && error.cause !== undefined ? serverErrorOf(error.cause) : null;
}
