import { EXIT } from "../contract/exits.ts";
import { diagnose, listCheckNames } from "../doctor/diagnose.ts";
import { renderJson, renderResults } from "../doctor/render.ts";
import { isFailure } from "../status.ts";
import { type Command, collectFaults, OPTION, parseList } from "./command.ts";

export const doctor: Command = {
  name: "doctor",
  examples: ["doctor", "doctor --only database,schema,locks,blocked", "doctor --namespace r3a --json"],
  define: (command) =>
    command
      .option("--only <list>", `checks, of ${listCheckNames().join(", ")} (default: all)`)
      .option("--namespace <name>", "namespace of the cluster (default: that of the current context)")
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const only = faults.take("--only", options.only, (text) => parseList(text, listCheckNames())) ?? null;
    const namespace = faults.take("--namespace", options.namespace, parseNamespace) ?? null;
    faults.settings(context, []);
    const results = await diagnose({ env: context.env, namespace, signal: context.signal }, only);
    context.print(options.json === true ? renderJson(results, Date.now()) : renderResults(results));
    return results.some(({ status }) => isFailure(status)) ? EXIT.failed : EXIT.done;
  },
};

function parseNamespace(text: string): string {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) return text;
  throw new Error(`must be the name of a namespace, not ${JSON.stringify(text)}`);
}
