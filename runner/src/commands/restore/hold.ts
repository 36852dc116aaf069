import { hostname, userInfo } from "node:os";
import type { Context } from "../../context.ts";
import { EXIT, type ExitCode } from "../../contract/exits.ts";
import { endHold, setHold } from "../../db/leaf/hold.ts";
import { renderArguments } from "../../db/runs.ts";
import { withDatabase } from "../../db/with-database.ts";
import { renderResult } from "../../result.ts";
import { withRun } from "../../run.ts";
import { renderTime } from "../../time.ts";
import { collectFaults, parseReason, type RawOptions } from "../command.ts";
import { refuseOthers } from "./stores.ts";

/** `restore --hold`: nothing is sealed or swapped until `restore --resume`, by no run, also by one that is under way. */
export async function runHold(context: Context, options: RawOptions): Promise<ExitCode> {
  const faults = collectFaults();
  const reason = faults.take("--hold", options.hold, parseReason) ?? "";
  refuseOthers(faults, "--hold", options, ["hold", "json", "deadline"]);
  const { dbUrl } = faults.settings(context, ["dbUrl"]);
  const args = renderArguments([], { "--hold": reason });
  return withDatabase(context, { command: "restore", url: dbUrl }, (db) =>
    withRun({ context, db, command: "restore", args }, async () => {
      await setHold(db, { reason, heldBy: `${userInfo().username} on ${hostname()}`.slice(0, 300) });
      const text = "no leaf is sealed or swapped from now on, until restore --resume\n";
      context.print(options.json === true ? renderResult("restore", { hold: reason }) : text);
      return { exitCode: EXIT.done };
    }),
  );
}

/** `restore --resume`: ends that. */
export async function runResume(context: Context, options: RawOptions): Promise<ExitCode> {
  const faults = collectFaults();
  refuseOthers(faults, "--resume", options, ["resume", "json", "deadline"]);
  const { dbUrl } = faults.settings(context, ["dbUrl"]);
  const args = renderArguments([], { "--resume": true });
  return withDatabase(context, { command: "restore", url: dbUrl }, (db) =>
    withRun({ context, db, command: "restore", args }, async () => {
      const held = await endHold(db);
      const text =
        held === null
          ? "nothing was held\n"
          : `leaves are sealed and swapped again; since ${renderTime(held.heldAt)} they were not: ${held.reason}\n`;
      context.print(options.json === true ? renderResult("restore", { hold: null }) : text);
      return { exitCode: EXIT.done };
    }),
  );
}
