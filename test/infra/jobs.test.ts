import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { checkJobs } from "../../infra/model/check-jobs.ts";
import { JOBS, type Job } from "../../infra/model/jobs.ts";
import { resolveJobs } from "../../infra/model/resolve-jobs.ts";
import { faultOfSchedule, nextRuns, shortestPeriod } from "../../infra/model/schedule.ts";
import { describe as describeFault } from "../../infra/settings/parse.ts";
import { SETTINGS, type Settings } from "../../infra/settings/schema.ts";
import { REGISTRY } from "../../runner/src/commands/registry.ts";

const settingsOf = (jobs: Settings["jobs"], more: Partial<Settings> = {}) =>
  SETTINGS.parse({ jobs, ...more });
const faultsOf = (jobs: Settings["jobs"]) => checkJobs(settingsOf(jobs));

test("the table has no fault, and each row says why the job exists", () => {
  expect(faultsOf({})).toEqual([]);
  expect(JOBS.filter(({ why }) => why.length < 30)).toEqual([]);
  expect(new Set(JOBS.map(({ name }) => name)).size).toBe(JOBS.length);
});

describe("the runner's own parser takes the command line of", () => {
  const lines = [false, true].flatMap((isDeployment) =>
    resolveJobs(settingsOf({}))
      .filter(({ repeatsEverySeconds }) => !isDeployment || repeatsEverySeconds !== undefined)
      .map((job) => [
        ...job.command,
        ...(isDeployment ? ["--every", String(job.repeatsEverySeconds)] : []),
        ...["--deadline", String(job.deadlineSeconds)],
      ]),
  );
  test.each([...lines, ["migrate", "--wait", "120"], ["wait-db"]].map((line) => line.join(" ")))(
    "%s",
    async (line) => {
      const [name, ...args] = line.split(" ");
      const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
      const loaded = await REGISTRY[name as keyof typeof REGISTRY].load();
      loaded.define(command);
      expect(() => command.parse(args, { from: "user" })).not.toThrow();
      expect(() => command.parse([...args, "--no-such-option"], { from: "user" })).toThrow("unknown option");
    },
  );
});

test("the own deadline leaves room for start and grace: 35 of 50 seconds for the first minute job", () => {
  const [top] = resolveJobs(settingsOf({}));
  expect(top).toMatchObject({
    objectName: "r3a-sync-1m-top",
    deadlineSeconds: 35,
    activeDeadlineSeconds: 50,
  });
});

test("a schedule may name months and days", () => {
  expect(faultOfSchedule("0 2 * jan-mar MON,fri")).toBeNull();
});

test("a schedule's next runs and shortest period are those of UTC", () => {
  const from = new Date("2026-03-29T00:30:00Z");
  expect(nextRuns("0 */6 * * *", from, 2).map((run) => run.toISOString())).toEqual([
    "2026-03-29T06:00:00.000Z",
    "2026-03-29T12:00:00.000Z",
  ]);
  expect([shortestPeriod("* * * * *"), shortestPeriod("7,37 * * * *"), shortestPeriod("0 2 * * *")]).toEqual([
    60, 1_800, 86_400,
  ]);
});

test("an environment changes single values, and its defaults reach every job", () => {
  const jobs = resolveJobs(
    settingsOf(
      {
        "sync-15m": {
          schedule: "*/2 * * * *",
          activeDeadlineSeconds: 80,
          resources: { memoryLimit: "256Mi" },
        },
      },
      { memoryRequest: "64Mi", suspendAll: true },
    ),
  );
  expect(jobs.every(({ suspend, resources }) => suspend && resources.memoryRequest === "64Mi")).toBe(true);
  expect(jobs.find(({ name }) => name === "sync-15m")).toMatchObject({
    schedule: "*/2 * * * *",
    deadlineSeconds: 45,
    resources: { memoryLimit: "256Mi" },
  });
  expect(resolveJobs(settingsOf({ verify: { enabled: false } })).map(({ name }) => name)).not.toContain(
    "verify",
  );
});

test.each([
  ["a job that is not in the table", { "sync-2m": {} }, "jobs.sync-2m", "no such job"],
  ["a minute of 99", { verify: { schedule: "99 3 * * *" } }, "jobs.verify.schedule", "no cron expression"],
  ["another tool's H", { verify: { schedule: "H/5 * * * *" } }, "jobs.verify.schedule", "five fields"],
  ["six fields", { verify: { schedule: "0 0 3 * * *" } }, "jobs.verify.schedule", "five fields"],
  [
    "a zone in the schedule",
    { verify: { schedule: "TZ=UTC 0 3 * * *" } },
    "jobs.verify.schedule",
    "five fields",
  ],
  [
    "a last day, as some tools write it",
    { verify: { schedule: "0 0 L * *" } },
    "jobs.verify.schedule",
    "five fields",
  ],
  ["the 30th of February", { verify: { schedule: "0 0 30 2 *" } }, "jobs.verify.schedule", "never runs"],
  [
    "a deadline over the period",
    { "sync-15m": { activeDeadlineSeconds: 900 } },
    "jobs.sync-15m.activeDeadlineSeconds",
    "lower it to 870",
  ],
  [
    "an own deadline over the Job's",
    { "sync-1m-top": { deadlineSeconds: 45 } },
    "jobs.sync-1m-top.deadlineSeconds",
    "lower it to 35",
  ],
  [
    "a start that may be 5 s late",
    { gaps: { startingDeadlineSeconds: 5 } },
    "jobs.gaps.startingDeadlineSeconds",
    "raise",
  ],
  [
    "a start that may be two hours late, of a minute job",
    { "sync-1m": { startingDeadlineSeconds: 7_200 } },
    "jobs.sync-1m.startingDeadlineSeconds",
    "lower",
  ],
  ["shards of a job that has none", { gaps: { shards: 3 } }, "jobs.gaps.shards", "cannot be split"],
  [
    "a deployment of an hourly job",
    { "sync-1h": { runMode: "deployment" as const } },
    "jobs.sync-1h.runMode",
    "minute syncs",
  ],
])("%s: the fault names the key and says what to do", (_, jobs, key, message) => {
  const faults = faultsOf(jobs);
  expect(faults).toHaveLength(1);
  expect(faults[0]).toMatchObject({ key, message: expect.stringContaining(message) });
});

describe("a row of the table", () => {
  const [row] = JOBS.filter(({ name }) => name === "sync-1h");
  if (row === undefined) throw new Error("the table has no sync-1h");
  const withRow = (changed: Partial<Job>, jobs: Settings["jobs"] = {}) =>
    checkJobs(settingsOf(jobs), [{ ...row, name: "plan-1h", ...changed }]);

  test.each<[string, Partial<Job>, string, string]>([
    ["a name with a capital letter", { name: "Plan_1h" }, "Plan_1h.name", '"r3a-Plan_1h" is no name'],
    ["a name that is too long", { name: "n".repeat(49) }, `${"n".repeat(49)}.name`, "shorten it"],
    [
      "a sync without the exchange",
      { needs: ["config", "database"] },
      "plan-1h.needs",
      "sync 1h cannot work without exchange",
    ],
    [
      "a plan without the exchange",
      { command: ["plan", "1h"], needs: ["config", "database"] },
      "plan-1h.needs",
      "without exchange",
    ],
    [
      "a repair without the exchange",
      { command: ["gaps", "--repair"], needs: ["config", "database"] },
      "plan-1h.needs",
      "without exchange",
    ],
    [
      "a command without its login",
      { command: ["verify"], needs: ["config"] },
      "plan-1h.needs",
      "verify cannot work without database",
    ],
    [
      "a janitor without the cluster",
      { command: ["janitor"], needs: ["config"] },
      "plan-1h.needs",
      "without cluster",
    ],
    [
      "times that do not fit",
      { activeDeadlineSeconds: 9_000 },
      "plan-1h.activeDeadlineSeconds",
      "lower it to 3570",
    ],
  ])("%s is a fault of the table", (_, changed, key, message) => {
    expect(withRow(changed)).toEqual([
      { key, message: expect.stringContaining(message), place: "infra/model/jobs.ts" },
    ]);
  });

  test("a list of gaps needs no exchange", () => {
    expect(withRow({ command: ["gaps"], needs: ["config", "database"] })).toEqual([]);
  });

  test("a wrong value of the environment is a fault of the environment, and a right one repairs a fault of the table", () => {
    const wrong = { activeDeadlineSeconds: 9_000 };
    const [fault] = withRow(wrong, { "plan-1h": { activeDeadlineSeconds: 8_000 } });
    expect(fault).toEqual({ key: "jobs.plan-1h.activeDeadlineSeconds", message: expect.any(String) });
    expect(withRow(wrong, { "plan-1h": { activeDeadlineSeconds: 900 } })).toEqual([]);
  });

  test("the line of its fault names the table, not a file of settings", () => {
    const [fault] = withRow({ name: "Plan_1h" });
    if (fault === undefined) throw new Error("no fault");
    expect(describeFault(fault, () => "Pulumi.dev.yaml")).toMatch(
      /^infra\/model\/jobs\.ts: Plan_1h\.name: "r3a/,
    );
  });
});

test("several faults come together", () => {
  const faults = faultsOf({ nope: {}, gaps: { schedule: "x", shards: 2 } });
  expect(faults.map(({ key }) => key)).toEqual(["jobs.nope", "jobs.gaps.schedule", "jobs.gaps.shards"]);
});
