import { carryOutAll, tellBrake } from "../cluster/act.ts";
import { openCluster } from "../cluster/connect.ts";
import { decide } from "../cluster/decide.ts";
import { lookAt } from "../cluster/look.ts";
import { brakeOf } from "../cluster/plan.ts";
import { renderPlan, renderPlanJson } from "../cluster/plan-text.ts";
import { type Selector, toSelector } from "../cluster/protection.ts";
import { checkRights } from "../cluster/rights.ts";
import { EXIT } from "../contract.ts";
import { SettingsFault } from "../errors.ts";
import { parseCount, parseJanitorMode } from "../settings.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

const DEFAULT_MAX_DELETES = 20;
const DEFAULT_MAX_PERCENT = 50;
const LONGEST_DELAY_S = 7 * 86_400;
/** Below it a pod that only needs a little longer is taken for a stuck one. */
const SHORT_DELAY_S = 300;

export const janitor: Command = {
  name: "janitor",
  examples: [
    "janitor",
    "janitor --mode delete",
    "janitor --namespace r3a --delete-after 1800 --protect 'app in (postgres, redis);!disposable' --json",
  ],
  define: (command) =>
    command
      .option("--mode <mode>", "scan: print the plan; delete: also carry it out (default: JANITOR_MODE)")
      .option("--namespace <name>", "what to clean (default: JANITOR_NAMESPACE, else the own one)")
      .option(
        "--delete-after <seconds>",
        "how long an object must be stuck (default: JANITOR_DELETE_AFTER_SECONDS)",
      )
      .option(
        "--protect <selector>",
        "never touch what this label selector takes, nor what belongs to it; also several, or with semicolons",
        (value, before?: string) => (before === undefined ? value : `${before};${value}`),
      )
      .option("--unschedulable", "a pod that finds no node is stuck too")
      .option("--max-deletes <n>", `remove nothing if more would go (default: ${DEFAULT_MAX_DELETES})`)
      .option("--max-percent <n>", `the same, of all pods of the namespace (default: ${DEFAULT_MAX_PERCENT})`)
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const mode = faults.take("--mode", options.mode, parseJanitorMode);
    const deleteAfterS = faults.take("--delete-after", options.deleteAfter, (text) =>
      parseCount(text, LONGEST_DELAY_S),
    );
    const maxDeletes = faults.take("--max-deletes", options.maxDeletes, (text) => parseCount(text, 10_000));
    const maxPercent = faults.take("--max-percent", options.maxPercent, (text) => parseCount(text, 100));
    const protect = faults.take("--protect", options.protect, (text) =>
      text.split(";").map((part) => toSelector(part.trim())),
    );
    const settings = faults.settings(context, [
      "janitorNamespace",
      "janitorDeleteAfterS",
      "janitorProtectedSelectors",
      "janitorMode",
    ]);
    const selectors = protect ?? selectorsOf(settings.janitorProtectedSelectors);
    const delayS = deleteAfterS ?? settings.janitorDeleteAfterS;
    if (delayS < SHORT_DELAY_S)
      context.log.warn(
        { "event.name": "janitor_short_delay" },
        `[JANITOR] after ${delayS} s a pod may only be slow; ${SHORT_DELAY_S} s or more are safer`,
      );
    const cluster = await openCluster(context);
    if (cluster === null)
      throw new SettingsFault([
        "there is no cluster: set KUBECONFIG, or give the pod the account r3a-janitor-sa and its token",
      ]);
    const namespace =
      (typeof options.namespace === "string" ? options.namespace : settings.janitorNamespace) ??
      cluster.namespace;
    const does = options.dryRun === true ? "scan" : (mode ?? settings.janitorMode);
    await checkRights(cluster, namespace, does);
    const sight = await lookAt(cluster, namespace);
    const policy = {
      namespace,
      deleteAfterMs: delayS * 1000,
      selectors,
      withUnschedulable: options.unschedulable === true,
      ownPodUid: cluster.ownPod?.uid ?? null,
    };
    const decisions = decide(sight, policy, Date.now());
    const brake = brakeOf(decisions, sight.pods.length, {
      maxDeletes: maxDeletes ?? DEFAULT_MAX_DELETES,
      maxPercent: maxPercent ?? DEFAULT_MAX_PERCENT,
    });
    const plan = { namespace, sight, decisions, brake };
    context.print(options.json === true ? renderPlanJson(plan) : renderPlan(plan));
    if (brake !== null) {
      context.log.error({ "event.name": "janitor_brake", brake }, `[JANITOR] nothing is removed: ${brake}`);
      if (does === "delete") await tellBrake(cluster, plan, context.log);
      return EXIT.brake;
    }
    if (does === "scan") return EXIT.done;
    return (await carryOutAll(cluster, plan, context)) ? EXIT.done : EXIT.failed;
  },
};

function selectorsOf(texts: readonly string[]): readonly Selector[] {
  const faults = collectFaults();
  const selectors = texts.map((text) => faults.take("JANITOR_PROTECTED_SELECTORS", text, toSelector));
  if (faults.list().length > 0) throw new SettingsFault(faults.list());
  return selectors.filter((selector) => selector !== undefined);
}
