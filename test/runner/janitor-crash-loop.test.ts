import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ContainerStatus, Pod } from "../../runner/src/cluster/objects.ts";
import { planFor, podOf, STARTED, STATUS, stuckSight } from "../support/kubernetes/janitor-objects.ts";

const START_S = Date.parse(STARTED) / 1000;
const WELL_S = 600;
const DELAY_S = 900;
const stamp = (seconds: number) => new Date((START_S + seconds) * 1000).toISOString();

/** A look at a container that crashed; times in seconds after the pod's start. */
type Look = {
  readonly pod: Pod;
  readonly at: number;
  /** The first crash after which it never ran well again: the kubelet's own rule, from what was made to happen. */
  readonly truth: number;
  /** Restarts since then. */
  readonly restarts: number;
};

/** What a kubelet makes of runs that each end with a crash, looked at before the restart that follows the last one. */
function lookAfter(runs: readonly number[], jitter: number, isBetweenTries: boolean): Look {
  let [at, wait, truth, restarts] = [0, 0, 0, 0];
  const crashes = runs.map((length, index) => {
    const startedAt = at;
    const finishedAt = at + length;
    const isFirst = index === 0 || length > WELL_S;
    wait = isFirst ? 0 : wait === 0 ? 10 : Math.min(wait * 2, 300);
    if (isFirst) truth = finishedAt;
    restarts = isFirst ? 0 : restarts + 1;
    at = finishedAt + wait + jitter;
    return { startedAt, finishedAt };
  });
  const endOf = (crash: (typeof crashes)[number] | undefined) =>
    crash && {
      terminated: {
        exitCode: 1,
        startedAt: stamp(crash.startedAt),
        finishedAt: stamp(crash.finishedAt),
      },
    };
  const [last, before] = [crashes.at(-1), crashes.at(-2)];
  const text = wait < 60 ? `${wait}s` : `${Math.floor(wait / 60)}m${wait % 60}s`;
  const message = `back-off ${text} restarting failed container=runner pod=a`;
  const isSeenEnded = isBetweenTries || wait === 0;
  const [state, lastState] = isSeenEnded
    ? [endOf(last), endOf(before)]
    : [{ waiting: { reason: "CrashLoopBackOff", message } }, endOf(last)];
  const container: ContainerStatus = {
    name: "runner",
    restartCount: runs.length - 1,
    ...(state === undefined ? {} : { state }),
    ...(lastState === undefined ? {} : { lastState }),
  };
  const seen = (last?.finishedAt ?? 0) + (isSeenEnded ? 0 : wait - 1);
  const pod = podOf("a", { ...STATUS.crashLoop, containerStatuses: [container] }, {}, "Always");
  return { pod, at: seen, truth, restarts };
}

function isDeleted({ pod, at }: Look, delayS = DELAY_S): boolean {
  const plan = planFor(stuckSight(pod), { deleteAfterMs: delayS * 1000 }, (START_S + at) * 1000);
  return plan.some(({ action }) => action === "fail-job");
}

const short = fc.array(fc.integer({ min: 0, max: 90 }), { minLength: 3, maxLength: 40 });
const jitter = fc.integer({ min: 0, max: 3 });
const delay = fc.integer({ min: 60, max: 7_200 });

describe("a crash loop, held against the kubelet that made it", () => {
  test("never goes before its delay, counted from its first crash, however long it ran well before", () => {
    const well = fc.integer({ min: WELL_S + 1, max: 10 * 86_400 });
    fc.assert(
      fc.property(
        fc.option(well),
        short,
        jitter,
        fc.boolean(),
        delay,
        (before, runs, late, between, wait) => {
          const look = lookAfter([...(before === null ? [] : [before]), ...runs], late, between);
          if (isDeleted(look, wait)) expect(look.at - look.truth).toBeGreaterThanOrEqual(wait);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("never goes in its first five minutes, whatever it went through before", () => {
    const any = fc.array(fc.oneof(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 0, max: 90_000 })), {
      minLength: 4,
      maxLength: 60,
    });
    fc.assert(
      fc.property(any, jitter, fc.boolean(), delay, (runs, late, between, wait) => {
        const look = lookAfter(runs, late, between);
        if (isDeleted(look, wait)) expect(look.at - look.truth).toBeGreaterThanOrEqual(Math.min(wait, 310));
      }),
      { numRuns: 2_000 },
    );
  });

  test("goes in the end, at its ninth restart", () => {
    const before = fc.integer({ min: 0, max: 10 * 86_400 });
    fc.assert(
      fc.property(before, short, jitter, fc.boolean(), (first, runs, late, between) => {
        const look = lookAfter([first, ...runs], late, between);
        if (look.restarts >= 9) expect(isDeleted(look)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each<[string, readonly number[], boolean]>([
    ["ran well for 45 min, then four crashes in three minutes", [2_700, 2, 2, 2, 2], false],
    ["ran well for a day, loops for six hours", [86_400, ...Array<number>(72).fill(2)], true],
    [
      "crashed once a day for 72 days, and twice since the last time",
      [...Array<number>(72).fill(86_400), 2, 2],
      false,
    ],
    ["runs for five minutes each time, for a day", Array<number>(144).fill(300), true],
    ["runs for eleven minutes each time: that is not waited for", Array<number>(144).fill(660), false],
  ])("%s", (_, runs, isGone) => {
    for (const isBetweenTries of [false, true])
      expect(isDeleted(lookAfter(runs, 1, isBetweenTries))).toBe(isGone);
  });

  test("is one from its third restart on", () => {
    const of = (count: number) =>
      planFor({ pods: [lookAfter(Array<number>(count + 1).fill(1), 0, false).pod] });
    expect([of(2).length, of(3).length]).toEqual([0, 1]);
  });

  test("begins neither before its pod has a node nor before the init containers are through", () => {
    const { pod } = lookAfter(Array<number>(20).fill(1), 0, false);
    const later = stamp(1_000);
    const since = (status: Pod["status"]) =>
      planFor({ pods: [{ ...pod, status: { ...pod.status, conditions: [], ...status } }] })[0]?.since;
    const first = {
      name: "first",
      restartCount: 0,
      state: { terminated: { exitCode: 0, finishedAt: later } },
    };
    expect([
      since({ startTime: later }),
      since({ conditions: [{ type: "Initialized", status: "True", lastTransitionTime: later }] }),
      since({ conditions: [{ type: "PodScheduled", status: "True", lastTransitionTime: later }] }),
      since({ initContainerStatuses: [first] }),
    ]).toEqual(Array(4).fill(Date.parse(later)));
  });
});
