import { expect, test } from "vitest";
import { replaceVersion } from "../support/database/catalog-stand-in.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useLegacyDatabases } from "../support/legacy/build.ts";
import { runRunner } from "../support/runner.ts";

const make = useLegacyDatabases();

/** A database of the old layout on a server that says it has this version. */
async function makeOn(version: string, release: string): Promise<string> {
  const { url } = await make({ coins: ["BTCUSDT"], firstMonth: "2024-01", months: 1 });
  await withSession(url, (client) => client.query(replaceVersion(version, release).damage));
  return url;
}

/** Whether the old table still has its name: its leaves are by coin. */
const isOld = (url: string) =>
  withSession(url, async (client) => {
    const { rows } = await client.query<{ key: string }>(
      "select pg_get_partkeydef('r3a.ohlcv_partitioned'::regclass) as key",
    );
    return rows[0]?.key.includes("coin_id");
  });

test("a server newer than the tests know is warned of once, in the plan and in the move", async () => {
  const url = await makeOn("190001", "19.1");
  for (const args of [["--dry-run"], []]) {
    const { code, stderr } = await runRunner(["migrate-layout", ...args], { DB_URL: url });
    expect([code, stderr.match(/PostgreSQL 19\.1: newer than what is tested, 15 to 18/g)]).toEqual([
      0,
      [expect.any(String)],
    ]);
  }
  expect(await isOld(url)).toBe(false);
});

test("a server that is too old is refused before the old table gets another name", async () => {
  const url = await makeOn("140005", "14.5");
  for (const args of [["--dry-run"], []]) {
    const { code, stderr } = await runRunner(["migrate-layout", ...args], { DB_URL: url });
    expect([code, stderr]).toEqual([
      78,
      expect.stringMatching(/the server is PostgreSQL 14\.5: too old, 15 to 18 are supported; upgrade it/),
    ]);
  }
  expect(await isOld(url)).toBe(true);
});
