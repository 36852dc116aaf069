import type { Context } from "../context.ts";
import type { CommandName } from "../contract/commands.ts";
import type { Database } from "../db/connect.ts";
import { findHolder } from "../db/lock.ts";
import { renderSkipped } from "../result.ts";

/**
 * Reports that another session holds the lock (`scope`, "global"), and which one: this is the whole result of the run.
 * Otherwise a session that a person forgot could keep the work from being done for days, and each run would look as if
 * it had done it.
 */
export async function tellHeld(
  { log, print }: Context,
  db: Database,
  { scope, asJson }: { readonly scope: CommandName; readonly asJson: boolean },
): Promise<void> {
  const holder = await findHolder(db, scope, "global");
  const sentence = `another holder is at work on ${scope}: ${holder ?? "it has just ended"}; nothing was done`;
  print(asJson ? renderSkipped(scope, sentence) : `${sentence}\n`);
  log.info({ "event.name": "lock_held", holder }, `[MAINT] ${sentence}`);
}
