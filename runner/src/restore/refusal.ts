import { TextFault } from "../archive/named-text.ts";
import { ObjectFault } from "../archive/object/fault.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import type { Tier } from "../contract/tiers.ts";
import { isFaultOfRows } from "../db/restore/scratch-leaf.ts";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import { StoreFault } from "../store/fault.ts";

/** Why something of a backup is not restored from. `isNewer`: a later release wrote it, which this one cannot read. */
export class RestoreRefusal extends Error {
  readonly isNewer: boolean;
  constructor(
    message: string,
    { cause, isNewer = false }: ErrorOptions & { readonly isNewer?: boolean } = {},
  ) {
    super(message, { cause });
    this.name = "RestoreRefusal";
    this.isNewer = isNewer;
  }
}

/** What was refused, and why. `manifest` null: the whole tier; `leaf` null: the manifest for every leaf. */
export type Refused = {
  readonly tier: Tier;
  readonly manifest: string | null;
  readonly leaf: string | null;
  readonly reason: string;
  /** A later release can restore from it: the exit code is 78 where nothing else was left. */
  readonly isNewer: boolean;
  /** The store gave no answer: a later try may find it. */
  readonly isAway: boolean;
};

/**
 * The reason where the backup is at fault, so that another one may do; null where every other one would meet the same: the
 * database is away or full, a right is missing, the run is stopped.
 */
export function reasonOf(error: unknown): string | null {
  const isOfBackup =
    error instanceof RestoreRefusal ||
    error instanceof TextFault ||
    error instanceof ObjectFault ||
    error instanceof StoreFault ||
    isFaultOfRows(error);
  return isOfBackup ? messageOf(error) : null;
}

/** Whether only a later release can restore what was refused, and whether the store gave no answer. */
export function kindOf(error: unknown): Pick<Refused, "isNewer" | "isAway"> {
  return { isNewer: error instanceof RestoreRefusal && error.isNewer, isAway: isOfAway(error) };
}

function isOfAway(error: unknown): boolean {
  if (error instanceof RestoreRefusal) return isOfAway(error.cause);
  return error instanceof StoreFault && (error.kind === "unreachable" || error.kind === "clock");
}

/**
 * The exit code where nothing could be restored: 78 where only a later release can, 75 where no tier gave an answer, and
 * else 3.
 */
export function exitOfNone(refused: readonly Refused[]): ExitCode {
  if (refused.some(({ isNewer }) => isNewer)) return EXIT.settings;
  return refused.length > 0 && refused.every(({ isAway }) => isAway) ? EXIT.tryAgain : EXIT.brake;
}

/** The same error with the object that it is about, where its message does not name it. */
export function about(key: string, error: unknown): unknown {
  const reason = reasonOf(error);
  if (reason === null || reason.includes(key)) return error;
  return new RestoreRefusal(`${key}: ${reason}`, { cause: error });
}

/** Says in the log why something is not restored from. */
export function tellRefused(log: Logger, { tier, manifest, leaf, reason }: Refused): void {
  const what = [tier, manifest, leaf].filter((each) => each !== null).join(", ");
  log.warn(
    { "event.name": "backup_refused", tier, manifest, leaf, reason },
    `[RESTORE] not from ${what}: ${reason}`,
  );
}
