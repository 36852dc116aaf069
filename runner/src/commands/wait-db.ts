import { EXIT } from "../contract/exits.ts";
import { closeDatabase, openDatabase } from "../db/connect.ts";
import { waitForSchema } from "../db/schema/schema.ts";
import { parseCount } from "../settings/parsers.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

const DEFAULT_TIMEOUT_S = 60;

export const waitDb: Command = {
  name: "wait-db",
  examples: ["wait-db", "wait-db --timeout 120"],
  define: (command) =>
    command
      .option("--timeout <seconds>", `how long to wait (default: ${DEFAULT_TIMEOUT_S})`)
      .option(...OPTION.deadline),
  async run(context, _args, options) {
    const faults = collectFaults();
    const timeoutS =
      faults.take("--timeout", options.timeout, (text) => parseCount(text, 86_400)) ?? DEFAULT_TIMEOUT_S;
    const { dbUrl } = faults.settings(context, ["dbUrl"]);
    const db = openDatabase(dbUrl, "wait-db");
    try {
      await waitForSchema(db, timeoutS * 1000, context.signal);
    } finally {
      await closeDatabase(db);
    }
    return EXIT.done;
  },
};
