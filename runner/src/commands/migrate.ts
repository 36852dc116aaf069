import { EXIT } from "../contract.ts";
import { migrate as applyMigrations } from "../db/migrate.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

export const migrate: Command = {
  name: "migrate",
  examples: ["migrate", "migrate --dry-run"],
  define: (command) =>
    command
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const { dbUrl } = collectFaults().settings(context, ["dbUrl"]);
    const isPlan = options.dryRun === true;
    const names = await applyMigrations(dbUrl, { isPlan, stop: context.signal });
    if (options.json === true)
      context.print(`${JSON.stringify(isPlan ? { pending: names } : { applied: names })}\n`);
    else if (names.length === 0) context.print("the schema is up to date\n");
    else context.print(names.map((name) => `${isPlan ? "would apply" : "applied"} ${name}\n`).join(""));
    return EXIT.done;
  },
};
