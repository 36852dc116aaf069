import { afterEach, expect, test } from "vitest";
import { expectExit, HOUR, outputOf } from "../support/candle/series.ts";
import { type PlainAnswer, usePlainWorld } from "../support/exchange/plain-exchange.ts";

/** Lists that cannot be right weigh 100, and a minute job that asked for them in each run would take them every minute. */
const first = Math.floor(Date.now() / HOUR) * HOUR - 3 * HOUR;
const NAMES = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "DOTUSDT"];
const { database, exchange, run: runCommand } = usePlainWorld(NAMES, first, { UNIVERSE_SIZE: "3" });
const run = () => runCommand("sync 1h");
const makeDue = () => database.query("update r3a.coin set ranked_at = ranked_at - interval '61 minutes'");
const passTime = (minutes: number) =>
  database.query(
    `update r3a.run set started_at = started_at - interval '${minutes} minutes' where command = 'ranking'`,
  );
const listRequests = () =>
  exchange.requests.filter(({ pathname }) => /ticker|exchangeInfo/.test(pathname)).length;
const notes = () =>
  database.query<{ outcome: string; error: string | null }>(
    "select outcome, error_summary as error from r3a.run where command = 'ranking' order by started_at",
  );

afterEach(() => {
  exchange.answer = null;
});

test.each<[string, (path: string) => PlainAnswer | null, RegExp]>([
  ["cannot be right", (path) => (path.includes("ticker") ? { body: [] } : null), /cannot be right/],
  ["are no lists", (path) => (path.includes("ticker") ? { body: {} } : null), /ticker/],
  ["are not there", (path) => (path.includes("exchangeInfo") ? { status: 404, body: "" } : null), /404/],
])("lists that %s are not asked for again for a quarter of an hour", async (_, answer, why) => {
  await database.query("truncate r3a.coin, r3a.universe_member, r3a.series, r3a.run cascade");
  expectExit(await run(), 0);
  await makeDue();
  exchange.answer = ({ pathname }) => answer(pathname);
  const refused = await run();
  expectExit(refused, 0);
  expect(outputOf(refused)).toMatch(/the ranking of 61 min ago stays: /);
  expect(await notes()).toEqual([{ outcome: "failure", error: expect.stringMatching(why) }]);

  const asked = listRequests();
  for (let minute = 0; minute < 2; minute += 1) {
    const later = await run();
    expectExit(later, 0);
    expect(outputOf(later)).toMatch(
      /the ranking of 6\d min ago stays: no list is asked for before \S+, since they were refused at \S+: /,
    );
    expect(outputOf(later)).toMatch(why);
  }
  expect(listRequests()).toBe(asked);
  expect(await notes()).toHaveLength(1);

  await passTime(16);
  expectExit(await run(), 0);
  expect(listRequests()).toBeGreaterThan(asked);
  expect(await notes()).toHaveLength(2);

  exchange.answer = null;
  await passTime(16);
  const right = await run();
  expectExit(right, 0);
  expect(outputOf(right)).not.toContain("stays");
  // the ledger's last word on the ranking, which doctor reads, is that it went well
  expect((await notes()).at(-1)).toEqual({ outcome: "success", error: null });
  expectExit(await run(), 0);
  expect(await notes()).toHaveLength(3);
});

test("a note of a time that is still to come, as a wrong clock writes it, holds nothing up", async () => {
  await database.query("truncate r3a.coin, r3a.universe_member, r3a.series, r3a.run cascade");
  expectExit(await run(), 0);
  await makeDue();
  await database.query(
    `insert into r3a.run (run_id, command, started_at, finished_at, outcome, exit_code, error_summary)
     values (gen_random_uuid(), 'ranking', 'infinity', now(), 'failure', 1, 'x'),
            (gen_random_uuid(), 'ranking', now() + interval '1 h', now(), 'failure', 1, 'x')`,
  );
  const asked = listRequests();
  const sync = await run();
  expectExit(sync, 0);
  expect(listRequests()).toBe(asked + 2);
});

test("without any ranking each run asks: nothing could be synced meanwhile, and a person may have mended it", async () => {
  await database.query("truncate r3a.coin, r3a.universe_member, r3a.series, r3a.run cascade");
  exchange.answer = ({ pathname }) => (pathname.includes("ticker") ? { body: [] } : null);
  expectExit(await run(), 1);
  exchange.answer = null;
  expectExit(await run(), 0);
  expect(await notes()).toEqual([]);
});
