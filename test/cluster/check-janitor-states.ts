import { EXIT } from "../../runner/src/contract/exits.ts";
import {
  type Condition,
  type CronJob,
  createObject,
  endOf,
  exitCodesOf,
  getObject,
  type Job,
  type KubeObject,
  kubectl,
  listObjects,
  type Pod,
  waitFor,
  waitForEnd,
} from "./kubectl.ts";
import { check, expectEqual } from "./report.ts";
import { MARK, objectName, STATES, type StuckState } from "./stuck-objects.ts";
import { OTHER_NAMESPACE, removeStates } from "./stuck-states.ts";

const DELETE_AFTER_S = 20;
/** Nothing but the test's own; of these what has the label `keep` is protected as an operator would protect it. */
const PROTECT = `!${MARK};keep in (yes, please)`;
const ARGS = ["janitor", "--json", "--deadline", "60", "--unschedulable", "--protect", PROTECT];
/** Not of the last run: the Jobs that the janitor itself made fail would be old enough by then. */
const FINISHED_AFTER = ["--finished-after", String(DELETE_AFTER_S)];

type Line = {
  readonly action: StuckState["action"];
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly reason: string;
  readonly since: string;
};
type Run = {
  /** Of each pod, oldest first. */
  readonly codes: readonly (number | null)[];
  /** Why its Job failed. */
  readonly reason: string | undefined;
  readonly stdout: readonly string[];
};
let runs = 0;

/**
 * The real pod of the janitor, with its account and its rights; other arguments, as a person gives them. It may be tried
 * again, which the deployed one is not: so it is seen that a brake cuts the tries short.
 */
async function runJanitor(...more: readonly string[]): Promise<Run> {
  runs += 1;
  const job = `e2e-janitor-${runs}`;
  const { spec } = (await getObject<CronJob>("cronjob", "r3a-maint-janitor")).spec.jobTemplate;
  const [runner] = spec.template.spec.containers;
  const args = [...ARGS, "--delete-after", String(DELETE_AFTER_S), ...more];
  const template = { ...spec.template, spec: { ...spec.template.spec, containers: [{ ...runner, args }] } };
  await createObject({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: job },
    spec: { ...spec, backoffLimit: 2, template },
  });
  const end = endOf(await waitForEnd(job, 90));
  const lines = (await kubectl(["logs", `job/${job}`])).trim().split("\n");
  // both streams of a container come as one: what has a level is the log
  return {
    codes: await exitCodesOf(job),
    reason: end?.reason,
    stdout: lines.filter((line) => !line.includes('"log.level"')),
  };
}

/** The decisions about what the test made, without those about the rest of the namespace; of each pod of the Job. */
function decisionsOf({ stdout }: Run): readonly Line[] {
  return stdout
    .flatMap((line) => (JSON.parse(line) as { readonly decisions: readonly Line[] }).decisions)
    .filter(({ name }) => name.startsWith(objectName("")));
}

/** A kubelet that tries to pull again says for a moment that it failed instead of that it waits. */
const settled = (text: string) => text.replace("ErrImagePull", "ImagePullBackOff");

/** What a plan says of each state: `action reason`. Pods of Jobs have five more letters in their names. */
function saidOf(decisions: readonly Line[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    STATES.map(({ name }) => {
      const ofName = new RegExp(`^${objectName(name)}(-[a-z0-9]{5})?$`);
      const line = decisions.find((each) => ofName.test(each.name));
      return [name, line === undefined ? "nothing" : `${line.action} ${settled(line.reason)}`];
    }),
  );
}

const EXPECTED = Object.fromEntries(STATES.map(({ name, action, reason }) => [name, `${action} ${reason}`]));

/** The same in scope namespace, which takes in what nobody else looks after. */
const EXPECTED_WIDE = Object.fromEntries(
  STATES.map(({ name, action, inNamespace, reason }) => [name, `${inNamespace ?? action} ${reason}`]),
);

/** Every state of the issue, made for real; `made` settles when all objects are there. */
export async function checkJanitorStates(made: Promise<void>): Promise<void> {
  await check("the janitor removes what is stuck, at the right time, and nothing else", async () => {
    await made;
    const before = await listKept();
    const scan = await waitForPlan();
    const wide = await runJanitor(
      "--mode",
      "scan",
      "--scope",
      "namespace",
      "--max-percent",
      "95",
      ...FINISHED_AFTER,
    );
    expectEqual(saidOf(decisionsOf(wide)), EXPECTED_WIDE, "plan in scope namespace");
    const system = await runJanitor("--namespace", "kube-system");
    expectEqual(system.codes, [EXIT.settings], "end in kube-system");
    expectEqual(await listRemovedAbout(), [], "Events after scans");
    const brake = await runJanitor("--mode", "delete", "--max-deletes", "2", ...FINISHED_AFTER);
    expectEqual([brake.codes, brake.reason], [[EXIT.brake], "PodFailurePolicy"], "end with the brake");
    expectEqual(saidOf(decisionsOf(brake)), EXPECTED, "plan with the brake");
    const removal = await runJanitor("--mode", "delete", "--max-percent", "95", ...FINISHED_AFTER);
    expectEqual(removal.codes, [EXIT.done], `exit codes; ${removal.stdout.join("\n")}`);
    expectEqual(linesOf(removal), linesOf(scan), "plan of the delete");
    await checkRemoved(decisionsOf(removal));
    const second = await runJanitor("--mode", "delete", "--max-percent", "95");
    const left = decisionsOf(second).filter(({ action }) => action !== "keep");
    expectEqual([second.codes, left], [[EXIT.done], []], "second run");
    expectEqual(await listKept(), before, "what is protected, looked after by others, or elsewhere");
    return `${STATES.length} states, ${Object.keys(before).length} pods untouched, a brake fails its Job at once`;
  });
  await removeStates();
}

/** Scans until everything is as it was meant to become, and old enough. */
async function waitForPlan(): Promise<Run> {
  let said = {};
  const scan = await waitFor("a plan for every state", 120, async () => {
    const run = await runJanitor("--mode", "scan", "--max-percent", "95", ...FINISHED_AFTER);
    said = saidOf(decisionsOf(run));
    return JSON.stringify(said) === JSON.stringify(EXPECTED) ? run : null;
  }).catch((error: unknown) => {
    expectEqual(said, EXPECTED, String(error));
    throw error;
  });
  return scan;
}

/**
 * A plan's lines about the test's objects without the words of a pull that is tried again, and without the start of a
 * crash loop: it is reckoned from the last crash, and there may have been one more.
 */
function linesOf(run: Run): readonly unknown[] {
  return decisionsOf(run).map(({ action, kind, name, uid, since, reason }) => ({
    ...{ action, kind, name, uid, reason: settled(reason) },
    since: reason === "CrashLoopBackOff" ? null : since,
  }));
}

type Event = KubeObject & {
  readonly reason: string;
  readonly involvedObject: { readonly kind: string; readonly name: string };
  readonly firstTimestamp: string;
};

async function listRemovedAbout(): Promise<readonly Event[]> {
  return listObjects<Event>("event", "--field-selector", "reason=JanitorDeletes");
}

async function checkRemoved(plan: readonly Line[]): Promise<void> {
  const actions = plan.filter(({ action }) => action !== "keep");
  const events = await listRemovedAbout();
  for (const { kind, name, since } of actions) {
    const event = events.find(
      ({ involvedObject }) => involvedObject.kind === kind && involvedObject.name === name,
    );
    if (event === undefined) throw new Error(`no Event about ${kind} ${name}`);
    const age = (Date.parse(event.firstTimestamp) - Date.parse(since)) / 1000;
    if (age < DELETE_AFTER_S) throw new Error(`${kind} ${name} went after ${age} s`);
  }
  await waitFor("all that was removed to be gone", 60, async () => {
    const uids = new Set(
      [...(await listObjects("pod")), ...(await listObjects("job"))].map(({ metadata }) => metadata.uid),
    );
    return actions.some(({ uid }) => uids.has(uid)) ? null : true;
  });
  const jobs = STATES.filter(({ action }) => action === "fail-job").map(({ name }) => objectName(name));
  for (const job of jobs) {
    const end: (Condition & { readonly message?: string }) | null = endOf(await waitForEnd(job, 60));
    expectEqual([end?.type, end?.reason], ["Failed", "PodFailurePolicy"], `end of Job ${job}`);
    if (end?.message?.includes("ConfigIssue") !== true) throw new Error(`Job ${job}: ${end?.message}`);
  }
}

/** uid and name of each pod that must stay: protected here, or in another namespace. */
async function listKept(): Promise<Readonly<Record<string, string>>> {
  const kept = STATES.filter(({ action }) => action === "keep").map(({ name }) => objectName(name));
  const here = (await listObjects<Pod>("pod", "-l", MARK)).filter(({ metadata }) =>
    kept.some((name) => metadata.name.startsWith(name)),
  );
  const jobs = (await listObjects<Job>("job", "-l", MARK)).filter(({ metadata }) =>
    kept.includes(metadata.name),
  );
  const elsewhere = JSON.parse(await kubectl(["get", "pod", "-n", OTHER_NAMESPACE, "-o", "json"])) as {
    items: readonly Pod[];
  };
  return Object.fromEntries(
    [...here, ...jobs, ...elsewhere.items].map(({ metadata }) => [metadata.uid, metadata.name]),
  );
}
