import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { migrate } from "../../runner/src/db/schema/migrate.ts";
import { MIGRATIONS } from "../../runner/src/db/schema/schema.ts";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";

/** 000015_own_states on a database that an older version filled, and that an older version still writes to. */
const emptyDatabase = useEmptyDatabases();
const FILE = "000015_own_states.sql";

async function makeOld(): Promise<string> {
  const url = await emptyDatabase();
  const files = (await readdir(MIGRATIONS)).filter((file) => file.endsWith(".sql") && file < FILE).toSorted();
  for (const file of files) {
    const text = await readFile(`${MIGRATIONS}/${file}`, "utf8");
    await withSession(url, (client) => client.query(text));
  }
  return url;
}

const gap = (day: number, state: string, reason: string) => `
  insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason, evidence)
  select gen_random_uuid(), id, '1h', timestamptz '2024-01-01Z' + ${day} * interval '1 day',
         timestamptz '2024-01-01Z' + ${day + 1} * interval '1 day', '${state}', '${reason}', '{"error": "kept"}' from r3a.coin;`;
const COIN = "insert into r3a.coin (symbol, base, quote, status) values ('AUSDT', 'A', 'USDT', 'TRADING');";
const RUN = `insert into r3a.run (run_id, command, outcome) values (gen_random_uuid(), 'verify', 'findings')`;

test("gaps that nobody asked for get their state, the count of open ones stays, and a second and a concurrent run do no harm", async () => {
  const url = await makeOld();
  const all = [
    ["open", "absent"],
    ["open", "not_requested"],
    ["repaired", "not_requested"],
    ["repaired", "failed"],
    ["confirmed_absent", "not_requested"],
    ["before_listing", "absent"],
  ] as const;
  await withSession(url, (client) =>
    client.query(COIN + all.map(([state, reason], day) => gap(day, state, reason)).join("")),
  );
  await expect(withSession(url, (client) => client.query(RUN))).rejects.toMatchObject({ code: "23514" });
  const text = await readFile(`${MIGRATIONS}/${FILE}`, "utf8");
  await Promise.all(Array.from({ length: 4 }, () => withSession(url, (client) => client.query(text))));
  await withSession(url, async (client) => {
    await client.query(text);
    const { rows } = await client.query("select state, reason from r3a.ohlcv_gap_log order by from_ts");
    expect(rows.map(({ state, reason }) => [state, reason])).toEqual([
      ["open", "absent"],
      ["not_requested", null],
      ["repaired", null],
      ["repaired", "failed"],
      ["confirmed_absent", "absent"],
      ["before_listing", "absent"],
    ]);
    const kept = await client.query('select from r3a.ohlcv_gap_log where evidence <> \'{"error": "kept"}\'');
    expect(kept.rowCount).toBe(0);
    const counted = async () => (await client.query("select open::int from r3a.gap_count")).rows;
    expect(await counted()).toEqual([{ open: 1 }]);
    await client.query(
      "update r3a.ohlcv_gap_log set state = 'open', reason = 'failed' where state = 'not_requested'",
    );
    expect(await counted()).toEqual([{ open: 2 }]);
    await client.query(RUN);
  });
});

test("what an older version still writes in the old form is refused by name, and its other gaps are not", async () => {
  const url = await emptyDatabase();
  await migrate(url);
  await withSession(url, async (client) => {
    await client.query(COIN);
    await client.query(gap(0, "open", "absent"));
    await expect(client.query(gap(1, "open", "not_requested"))).rejects.toMatchObject({
      code: "23514",
      constraint: expect.stringMatching(/^ohlcv_gap_log_/),
    });
    for (const [state, reason] of [
      ["not_requested", "'absent'"],
      ["open", "null"],
      ["before_listing", "null"],
    ])
      await expect(
        client.query(`update r3a.ohlcv_gap_log set state = '${state}', reason = ${reason}`),
      ).rejects.toMatchObject({ constraint: "ohlcv_gap_log_asked" });
  });
});
