import { runJanitor } from "../cluster/janitor-run.ts";
import { FEW_PODS } from "../contract/janitor.ts";
import { JANITOR_ROWS, type JanitorSettings } from "../settings/janitor.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

export const janitor: Command = {
  name: "janitor",
  examples: [
    "janitor",
    "janitor --mode delete",
    "janitor --scope namespace",
    "janitor --namespace r3a --delete-after 1800 --protect 'app in (postgres, redis);!disposable' --json",
  ],
  define: (command) =>
    command
      .option("--mode <mode>", "scan: print the plan; delete: also carry it out (default: JANITOR_MODE)")
      .option(
        "--namespace <name>",
        "what to clean, never kube-* (default: JANITOR_NAMESPACE, else the own one)",
      )
      .option(
        "--scope <scope>",
        "ours: what belongs to the suite; namespace: all that no operator, Helm or GitOps controller looks after (default: JANITOR_SCOPE)",
      )
      .option(
        "--delete-after <seconds>",
        "how long an object must be stuck (default: JANITOR_DELETE_AFTER_SECONDS)",
      )
      .option(
        "--protect <selector>",
        "never touch what this label selector takes, nor what belongs to it; also several, or with semicolons; comes on top of JANITOR_PROTECTED_SELECTORS",
        (value, before?: string) => (before === undefined ? value : `${before};${value}`),
      )
      .option(
        "--finished-after <seconds>",
        "how long ago a Job must have ended to go for that alone (default: JANITOR_FINISHED_AFTER_SECONDS)",
      )
      .option("--unschedulable", "a pod that finds no node is stuck too")
      .option("--max-deletes <n>", "remove nothing if more would go (default: JANITOR_MAX_DELETES)")
      .option(
        "--max-percent <n>",
        `the same, of the pods in its scope, where more than ${FEW_PODS} would go (default: JANITOR_MAX_PERCENT)`,
      )
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const rows = JANITOR_ROWS;
    const mode = faults.take("--mode", options.mode, rows.janitorMode.parse);
    const scope = faults.take("--scope", options.scope, rows.janitorScope.parse);
    const deleteAfterS = faults.take("--delete-after", options.deleteAfter, rows.janitorDeleteAfterS.parse);
    const finishedAfterS = faults.take(
      "--finished-after",
      options.finishedAfter,
      rows.janitorFinishedAfterS.parse,
    );
    const maxDeletes = faults.take("--max-deletes", options.maxDeletes, rows.janitorMaxDeletes.parse);
    const maxPercent = faults.take("--max-percent", options.maxPercent, rows.janitorMaxPercent.parse);
    const protect = faults.take("--protect", options.protect, rows.janitorProtectedSelectors.parse) ?? [];
    const settings = faults.settings(context, Object.keys(rows) as (keyof JanitorSettings)[]);
    return runJanitor(context, {
      namespace: typeof options.namespace === "string" ? options.namespace : settings.janitorNamespace,
      scope: scope ?? settings.janitorScope,
      deleteAfterS: deleteAfterS ?? settings.janitorDeleteAfterS,
      finishedAfterS: finishedAfterS ?? settings.janitorFinishedAfterS,
      selectors: [...settings.janitorProtectedSelectors, ...protect],
      withUnschedulable: options.unschedulable === true,
      maxDeletes: maxDeletes ?? settings.janitorMaxDeletes,
      maxPercent: maxPercent ?? settings.janitorMaxPercent,
      mode: options.dryRun === true ? "scan" : (mode ?? settings.janitorMode),
      asJson: options.json === true,
    });
  },
};
