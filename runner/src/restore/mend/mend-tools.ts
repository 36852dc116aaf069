import type { Database } from "../../db/connect.ts";
import type { Refused } from "../refusal.ts";
import type { Attempt } from "../try-candidates.ts";
import type { MendLocks } from "./mend-locks.ts";
import type { MendRequest } from "./mend-outcome.ts";
import type { Wired } from "./wired.ts";

/**
 * What the leaves of one run share. `locks` null: a plan. `refused` grows as candidates are tried. Each leaf opens connections
 * of its own for each part of the work: reading a damaged page may end the server between two of them.
 */
export type MendTools = {
  readonly db: Database;
  readonly locks: MendLocks | null;
  readonly attempt: Omit<Attempt, "load">;
  readonly request: MendRequest;
  readonly refused: readonly Refused[];
  readonly wired: Wired;
};
