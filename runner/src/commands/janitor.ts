import { carryOutAll, tellBrake } from "../cluster/act.ts";
import { brakeOfClock } from "../cluster/clock.ts";
import { openCluster } from "../cluster/connect.ts";
import { countPodsInScope, decide } from "../cluster/decide.ts";
import { lookAt } from "../cluster/look.ts";
import { brakeOf } from "../cluster/plan.ts";
import { renderPlan, renderPlanJson } from "../cluster/plan-text.ts";
import { checkRights } from "../cluster/rights.ts";
import { EXIT } from "../contract/exits.ts";
import { FEW_PODS } from "../contract/janitor.ts";
import { JANITOR_ACCOUNT } from "../contract/names.ts";
import { messageOf, SettingsFault } from "../errors.ts";
import { JANITOR_ROWS, type JanitorSettings, parseJanitorNamespace } from "../settings/janitor.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

/** Below it a pod that only needs a little longer is taken for a stuck one. */
const SHORT_DELAY_S = 300;

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
    const delayS = deleteAfterS ?? settings.janitorDeleteAfterS;
    if (delayS < SHORT_DELAY_S)
      context.log.warn(
        { "event.name": "janitor_short_delay" },
        `[JANITOR] after ${delayS} s a pod may only be slow; ${SHORT_DELAY_S} s or more are safer`,
      );
    const cluster = await openCluster(context);
    if (cluster === null)
      throw new SettingsFault([
        `there is no cluster: set KUBECONFIG, or give the pod the account ${JANITOR_ACCOUNT} and its token`,
      ]);
    const namespace = checkNamespace(
      (typeof options.namespace === "string" ? options.namespace : settings.janitorNamespace) ??
        cluster.namespace,
    );
    const does = options.dryRun === true ? "scan" : (mode ?? settings.janitorMode);
    await checkRights(cluster, namespace, does, context.log);
    const sight = await lookAt(cluster, namespace);
    const policy = {
      namespace,
      scope: scope ?? settings.janitorScope,
      deleteAfterMs: delayS * 1000,
      finishedAfterMs: (finishedAfterS ?? settings.janitorFinishedAfterS) * 1000,
      selectors: [...settings.janitorProtectedSelectors, ...protect],
      withUnschedulable: options.unschedulable === true,
      ownPodUid: cluster.ownPod?.uid ?? null,
    };
    const decisions = decide(sight, policy, Date.now());
    const limits = {
      maxDeletes: maxDeletes ?? settings.janitorMaxDeletes,
      maxPercent: maxPercent ?? settings.janitorMaxPercent,
    };
    const brake =
      brakeOfClock(cluster.clock(), cluster.server) ??
      brakeOf(decisions, countPodsInScope(sight, policy), limits);
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

/** Wherever its name comes from, also the current context's own: what is wrong with it is a wrong setting. */
function checkNamespace(name: string): string {
  try {
    return parseJanitorNamespace(name);
  } catch (error) {
    throw new SettingsFault([`the janitor's namespace ${messageOf(error)}`]);
  }
}
