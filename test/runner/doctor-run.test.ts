import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import {
  type Check,
  type Finding,
  fail,
  pass,
  runChecks,
  skip,
  warn,
} from "../../runner/src/doctor/check.ts";
import { renderJson, renderResults } from "../../runner/src/doctor/render.ts";
import { Stopped } from "../../runner/src/errors.ts";

const never = new AbortController().signal;
const check = (
  name: string,
  finding: Finding | (() => Promise<Finding>),
  more: Partial<Check> = {},
): Check => ({
  name,
  needs: [],
  look: typeof finding === "function" ? finding : async () => finding,
  ...more,
});
const hang = () => new Promise<Finding>(() => {});

test("three checks that hang take their own time once and hide no other check", async () => {
  const checks = [
    ...["a", "b", "c"].map((name) => check(name, hang)),
    ...["d", "e", "f", "g"].map((name) => check(name, pass("well"))),
  ];
  const results = await runChecks(checks, null, never, 200);
  expect(results.map(({ name, status }) => name + status)).toEqual(
    ["a", "b", "c"].map((name) => `${name}error`).concat(["d", "e", "f", "g"].map((name) => `${name}pass`)),
  );
  expect(results[0]).toMatchObject({
    output: "could not be checked within 0.2 s",
    remedy: expect.stringContaining("r3a doctor --only a"),
  });
});

test("a check that hangs gets the signal to stop", async () => {
  const stopped = Promise.withResolvers<void>();
  const look = (signal: AbortSignal) => {
    signal.addEventListener("abort", () => stopped.resolve());
    return hang();
  };
  await runChecks([{ name: "a", needs: [], look }], null, never, 50);
  await stopped.promise;
});

test("a check that throws is an error with the reason", async () => {
  const broken = check("a", async () => {
    throw new Error("permission denied", { cause: new Error("42501") });
  });
  expect(await runChecks([broken], null, never)).toMatchObject([
    { status: "error", output: "could not be checked: permission denied: 42501" },
  ]);
});

test("a check is skipped without a look if a check that it needs failed, also over several steps", async () => {
  let looks = 0;
  const count = async () => {
    looks += 1;
    return pass("");
  };
  const checks = [
    check("way", fail("away", "start it")),
    check("tables", count, { needs: ["way"] }),
    check("rows", count, { needs: ["tables"] }),
    check("hint", warn("careful", "")),
    check("after", count, { needs: ["hint"], after: ["way"] }),
  ];
  const results = await runChecks(checks, null, never);
  expect(results.map(({ status }) => status)).toEqual(["fail", "skip", "skip", "warn", "pass"]);
  expect(results[1]?.output).toBe("needs way, see there");
  expect(looks).toBe(1);
});

test("--only runs the named checks and the checks that they need, which are shown only if they do not pass", async () => {
  const checks = [
    check("good", pass("")),
    check("bad", fail("broken", "mend")),
    check("of-good", pass(""), { needs: ["good"] }),
    check("of-bad", pass(""), { needs: ["bad"] }),
    check("other", hang),
  ];
  const names = async (only: readonly string[]) =>
    (await runChecks(checks, only, never)).map(({ name, status }) => `${name} ${status}`);
  expect(await names(["of-good"])).toEqual(["of-good pass"]);
  expect(await names(["of-bad"])).toEqual(["bad fail", "of-bad skip"]);
});

test("a command that is stopped ends at once with its own reason", async () => {
  const stop = new AbortController();
  const reason = new Stopped("stopped", 143);
  const running = runChecks([check("a", hang), check("b", hang, { needs: ["a"] })], null, stop.signal);
  await sleep(20);
  stop.abort(reason);
  await expect(running).rejects.toBe(reason);
});

test("the report names every check once, with mark, word and remedy, and no colour", () => {
  const results = [
    { name: "a", ...pass("well") },
    { name: "bc", ...fail("broken", "mend it") },
    { name: "d", ...warn("odd", "look") },
    { name: "e", status: "skip", output: "needs bc", remedy: "" } as const,
    { name: "f", status: "skip", output: "needs bc", remedy: "" } as const,
  ];
  expect(renderResults(results)).toBe(
    [
      "✓ pass   a   well",
      "✗ fail   bc  broken",
      "             -> mend it",
      "! warn   d   odd",
      "             -> look",
      "- skip   e, f: needs bc",
      "1 passed, 1 warned, 1 failed, 2 skipped",
      "",
    ].join("\n"),
  );
  expect(JSON.parse(renderJson(results, 0))).toEqual({
    version: 1,
    command: "doctor",
    status: "fail",
    at: "1970-01-01T00:00:00Z",
    checks: results,
  });
});

test("a group gives results with names of its own, and is passed over as one", async () => {
  const group = async () => [
    { name: "stored a", ...fail("broken", "mend") },
    { name: "stored", ...pass("1 of 2") },
  ];
  const checks = [
    check("way", pass("")),
    { name: "stored", needs: ["way"], look: group },
    check("later", pass(""), { needs: ["stored"] }),
  ];
  const results = await runChecks(checks, ["stored", "later"], never);
  expect(results.map(({ name, status }) => `${name} ${status}`)).toEqual([
    "stored a fail",
    "stored pass",
    "later skip",
  ]);
  const away = [check("way", fail("away", "")), { name: "stored", needs: ["way"], look: group }];
  expect((await runChecks(away, ["stored"], never)).map(({ name, status }) => `${name} ${status}`)).toEqual([
    "way fail",
    "stored skip",
  ]);
});

test("a group has one row above its parts, a skipped part among them, and is counted once", () => {
  const results = [
    { name: "health", ...fail("1 of 3 results of health pass", "") },
    { name: "health activity runs", ...fail("1 of 1 last runs did not succeed", "look") },
    { name: "health backup", ...skip("no backups are set up yet") },
    { name: "tls", ...skip("no certificate") },
  ];
  expect(renderResults(results)).toBe(`✗ fail   health                1 of 3 results of health pass
✗ fail   health activity runs  1 of 1 last runs did not succeed
                               -> look
- skip   health backup         no backups are set up yet
- skip   tls: no certificate
0 passed, 0 warned, 1 failed, 2 skipped
`);
});
