import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, expect, test } from "vitest";
import { DAY_MS } from "../../runner/src/time.ts";
import { startForgetfulProxy } from "../support/database/forgetful-proxy.ts";
import { deadlineInWait } from "../support/deadline.ts";
import { useWorld } from "../support/world.ts";

/** The last word of a process that does not end by itself: what it was waiting for. */

const world = useWorld();
const SYNC = "sync 1h --symbols BTCUSDT";
const REQUEST =
  /under way: .*the request \/api\/v3\/klines BTCUSDT 1[hm]( \(no complete answer within \d+ ms\))?, for \d+ s/;
const lastLine = (text: string) => text.trimEnd().split("\n").at(-1) ?? "";

/** Little to fetch, so that a run is at its end soon after its start. */
const RECENT = { FALLBACK_START: new Date(Date.now() - 2 * DAY_MS).toISOString() };
let deadlineS = 0;

beforeAll(async () => {
  const run = await world.run("sync 1h --symbols ETHUSDT", RECENT);
  expect(run.code).toBe(0);
  deadlineS = deadlineInWait(run.ms);
});
afterEach(() => world.exchange.clearFaults());

test("a deadline that passes while the exchange hangs names the request", async () => {
  world.exchange.addFault({ kind: "stall-headers", path: "/api/v3/klines" });
  const run = await world.run(`${SYNC} --deadline ${deadlineS}`, RECENT);
  expect(run.code, run.stderr).toBe(124);
  expect(lastLine(run.stderr)).toMatch(REQUEST);
});

test("a cycle's deadline that passes while the exchange hangs names the request", async () => {
  world.exchange.addFault({ kind: "stall-headers", path: "/api/v3/klines" });
  const { child, ended } = world.start(`${SYNC} --every 60 --deadline ${deadlineS}`, RECENT);
  child.stderr?.on("data", (text: Buffer) => {
    if (text.includes("cycle_failed")) child.kill("SIGTERM");
  });
  const run = await ended;
  expect([run.code, run.stderr]).toEqual([0, expect.stringMatching(REQUEST)]);
});

/** Ends at its deadline with `leftMs` after the unlock was said; null where it was not said by then. */
async function forgetUnlock(deadline: number) {
  const proxy = await startForgetfulProxy(world.database.url, "pg_advisory_unlock");
  const startedAt = performance.now();
  const run = await world.run(`${SYNC} --deadline ${deadline}`, { ...RECENT, DB_URL: proxy.url });
  await proxy.stop();
  const saidAt = proxy.saidAt();
  return { run, leftMs: saidAt === null ? null : startedAt + deadline * 1_000 - saidAt };
}

test("a statement whose connection was forgotten is left by force 8 s after the deadline, and named", async () => {
  let deadline = deadlineS;
  let { run, leftMs } = await forgetUnlock(deadline);
  // the deadline must come after the statement, and the force before the 12 s after which a connection counts as lost
  for (let again = 0; again < 4 && (leftMs === null || leftMs < 200 || leftMs > 3_000); again += 1) {
    deadline += leftMs === null ? 3 : Math.ceil((1_000 - leftMs) / 1_000);
    ({ run, leftMs } = await forgetUnlock(deadline));
  }
  expect([run.code, run.ms > (deadline + 7) * 1_000], run.stderr).toEqual([124, true]);
  expect(lastLine(run.stderr)).toMatch(/forced_end/);
  expect(lastLine(run.stderr)).toMatch(/the deadline of \d+ s passed.*ended by force 8 s later/);
  expect(lastLine(run.stderr)).toMatch(/under way: .*the statement .*pg_advisory_unlock/);
}, 120_000);

test.for([
  ["thrown", "throw new Error(`made by the test`)"],
  ["rejected", "void Promise.reject(new Error(`made by the test`))"],
] as const)(
  "an error that nobody caught (%s) ends the process with 1 and says what was under way",
  async ([, code]) => {
    world.exchange.addFault({ kind: "stall-headers", path: "/api/v3/klines" });
    const asked = world.exchange.requests.length;
    const made = `data:text/javascript,${encodeURIComponent(`process.on("SIGUSR2", () => { ${code} })`)}`;
    const { child, ended } = world.start(SYNC, { NODE_OPTIONS: `--import=${made}` });
    const isAsked = () => world.exchange.requests.slice(asked).some(({ path }) => path === "/api/v3/klines");
    while (child.exitCode === null && !isAsked()) await sleep(20);
    child.kill("SIGUSR2");
    const run = await ended;
    expect(run.code).toBe(1);
    expect(lastLine(run.stderr)).toMatch(/not_caught/);
    expect(lastLine(run.stderr)).toMatch(/an error that nobody caught: made by the test/);
    expect(lastLine(run.stderr)).toMatch(REQUEST);
  },
);
