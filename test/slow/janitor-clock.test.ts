import { afterEach, describe, expect, test } from "vitest";
import { brakeOfClock, lookAtClock, worseOf } from "../../runner/src/cluster/clock.ts";
import { EXIT } from "../../runner/src/contract/exits.ts";
import { OURS, podOf, STATUS } from "../support/kubernetes/janitor-objects.ts";
import { type ScriptedApi, startApi } from "../support/kubernetes/scripted-api.ts";
import { runRunner } from "../support/runner.ts";

const TIMEOUT_MS = 60_000;
const SIGHT = { pods: [podOf("a", STATUS.failed, OURS)], jobs: [], cronJobs: [] };

let api: ScriptedApi | null = null;
afterEach(async () => {
  await api?.stop();
  api = null;
});

async function run(dateOf: (line: string) => string | null, ...args: readonly string[]) {
  await api?.stop();
  api = await startApi(SIGHT, undefined, dateOf);
  const ended = await runRunner(["janitor", ...args], api.env);
  const deleted = api.requests.filter(({ line }) => line.startsWith("DELETE")).length;
  const events = api.requests.filter(({ line }) => line.endsWith("/events")).length;
  return { ...ended, deleted, events };
}

const shifted = (seconds: number) => () => new Date(Date.now() + seconds * 1000).toUTCString();
const TIME = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ";

test.each([
  [-1_200, "ahead of"],
  [-62, "ahead of"],
  [62, "behind"],
  [40 * 86_400, "behind"],
])(
  "an API server whose clock is %i s off stops it, with both times",
  { timeout: TIMEOUT_MS },
  async (seconds, relation) => {
    const deletes = await run(shifted(seconds), "--mode", "delete");
    expect([deletes.code, deletes.deleted, deletes.events]).toEqual([EXIT.brake, 0, 1]);
    const said = new RegExp(
      `BRAKE: this clock, ${TIME}, is \\d+ s ${relation} that of the Kubernetes API at http://127.0.0.1:\\d+, ${TIME}; .*NTP`,
    );
    expect(deletes.stdout).toMatch(said);
    const scan = await run(shifted(seconds), "--mode", "scan");
    expect([scan.code, scan.events]).toEqual([EXIT.brake, 0]);
    expect(scan.stdout).toMatch(said);
  },
);

test.each([-50, 50])("%i s are allowed", { timeout: TIMEOUT_MS }, async (seconds) => {
  const { code, deleted } = await run(shifted(seconds), "--mode", "delete");
  expect([code, deleted]).toEqual([EXIT.done, 1]);
});

test("one server of several with a wrong clock is enough", { timeout: TIMEOUT_MS }, async () => {
  const { code } = await run((line) => shifted(line.endsWith("/cronjobs") ? 600 : 0)(), "--mode", "delete");
  expect(code).toBe(EXIT.brake);
});

test.each([
  ["no Date", null],
  ["a Date of another form", "2026-11-26T07:27:29Z"],
  ["a Date that is no day", "Thu, 99 Nov 2026 07:27:29 GMT"],
])("%s in all answers stops it: nothing holds its clock", { timeout: TIMEOUT_MS }, async (_, date) => {
  const { code, deleted, stdout } = await run(() => date, "--mode", "delete");
  expect([code, deleted]).toEqual([EXIT.brake, 0]);
  expect(stdout).toMatch(/BRAKE: no answer of the Kubernetes API at .* has a Date that can be read/);
});

describe("a look at the clocks", () => {
  const AT = Date.parse("2026-11-26T07:27:29Z");
  const look = (date: string | undefined) => lookAtClock(date, AT, AT + 1_000);

  test("takes the middle of the request and of the header's second", () => {
    expect(look("Thu, 26 Nov 2026 07:27:29 GMT")).toEqual({ server: AT + 500, own: AT + 500 });
    expect(brakeOfClock(look("Thu, 26 Nov 2026 07:28:29 GMT"), "x")).toBeNull();
    expect(brakeOfClock(look("Thu, 26 Nov 2026 07:28:30 GMT"), "x")).toMatch(/is 61 s behind/);
    expect(brakeOfClock(look("Thu, 26 Nov 2026 07:26:29 GMT"), "x")).toBeNull();
    expect(brakeOfClock(look("Thu, 26 Nov 2026 07:26:28 GMT"), "x")).toMatch(/is 61 s ahead of/);
  });

  test("that tells nothing never hides one that does, in whatever order they come", () => {
    const [bad, none, good] = [
      look("Thu, 26 Nov 2026 08:27:29 GMT"),
      look(undefined),
      look("Thu, 26 Nov 2026 07:27:29 GMT"),
    ];
    for (const order of [
      [bad, none, good],
      [none, good, bad],
      [good, bad, none],
    ]) {
      const worst = order.reduce<ReturnType<typeof look> | null>(worseOf, null);
      expect(worst).toEqual(bad);
    }
    expect(brakeOfClock(worseOf(worseOf(null, none), none), "x")).toMatch(/no answer/);
    expect(brakeOfClock(null, "x")).toMatch(/no answer/);
  });
});
