import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import type { JanitorMode, JanitorScope } from "../contract/janitor.ts";
import { JANITOR_ACCOUNT } from "../contract/names.ts";
import { SettingsFault } from "../errors.ts";
import type { Selector } from "../selector.ts";
import { carryOutAll, tellBrake } from "./act.ts";
import { brakeOfClock } from "./clock.ts";
import { openCluster } from "./connect.ts";
import { countPodsInScope, decide } from "./decide.ts";
import { lookAtNamespace } from "./look.ts";
import { checkNamespace } from "./namespace.ts";
import { brakeOf } from "./plan.ts";
import { renderPlan, renderPlanJson } from "./plan-text.ts";
import { checkRights } from "./rights.ts";

/** What the janitor cleans, and how carefully: see the options of the command. */
export type JanitorRequest = {
  /** null: the namespace that the process runs in. */
  readonly namespace: string | null;
  readonly scope: JanitorScope;
  readonly deleteAfterS: number;
  readonly finishedAfterS: number;
  readonly selectors: readonly Selector[];
  readonly withUnschedulable: boolean;
  readonly maxDeletes: number;
  readonly maxPercent: number;
  readonly mode: JanitorMode;
  readonly asJson: boolean;
};

/** Below this delay a pod that only needs a little longer is taken for a stuck one. */
const SHORT_DELAY_S = 300;

/** Looks at the namespace, prints the plan, and carries it out where the mode says so and no brake holds it. */
export async function runJanitor(context: Context, request: JanitorRequest): Promise<ExitCode> {
  const { deleteAfterS, mode } = request;
  if (deleteAfterS < SHORT_DELAY_S)
    context.log.warn(
      { "event.name": "janitor_short_delay" },
      `[JANITOR] after ${deleteAfterS} s a pod may only be slow; ${SHORT_DELAY_S} s or more are safer`,
    );
  const cluster = await openCluster(context);
  if (cluster === null)
    throw new SettingsFault([
      `there is no cluster: set KUBECONFIG, or give the pod the account ${JANITOR_ACCOUNT} and its token`,
    ]);
  const namespace = checkNamespace(request.namespace ?? cluster.namespace);
  await checkRights(cluster, namespace, { mode, log: context.log });
  const seen = await lookAtNamespace(cluster, namespace);
  const policy = {
    namespace,
    scope: request.scope,
    deleteAfterMs: deleteAfterS * 1000,
    finishedAfterMs: request.finishedAfterS * 1000,
    selectors: request.selectors,
    withUnschedulable: request.withUnschedulable,
    ownPodUid: cluster.ownPod?.uid ?? null,
  };
  const decisions = decide(seen, policy, Date.now());
  const brake =
    brakeOfClock(cluster.clock(), cluster.server) ??
    brakeOf(decisions, countPodsInScope(seen, policy), request);
  const plan = { namespace, seen, decisions, brake };
  context.print(request.asJson ? renderPlanJson(plan, mode) : renderPlan(plan));
  if (brake !== null) {
    context.log.error({ "event.name": "janitor_brake", brake }, `[JANITOR] nothing is removed: ${brake}`);
    if (mode === "delete") await tellBrake(cluster, plan, context.log);
    return EXIT.brake;
  }
  if (mode === "scan") return EXIT.done;
  return (await carryOutAll(cluster, plan, context)) ? EXIT.done : EXIT.failed;
}
