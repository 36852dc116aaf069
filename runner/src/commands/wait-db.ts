import { EXIT } from "../contract/exits.ts";
import { withDatabase } from "../db/with-database.ts";
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
    const request = { command: "wait-db", url: dbUrl, waitMs: timeoutS * 1000 } as const;
    return withDatabase(context, request, async () => EXIT.done);
  },
};
