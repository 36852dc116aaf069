import { expect, test } from "vitest";
import { expectExit, iso } from "../support/candle/series.ts";
import { useWorld } from "../support/world.ts";

const HOUR = 3_600_000;
const END = Date.parse("2024-05-10T12:00:00Z");
const world = useWorld({ clock: { fixedMs: END + 30_000 } });
const env = { FALLBACK_START: iso(END - 20 * HOUR) };

const findIndexes = async () => {
  const { stdout } = await world.run("health --only integrity --json", env);
  const { checks } = JSON.parse(stdout) as { checks: Record<string, { componentId: string }[]> };
  return checks["integrity:faults"]?.find(({ componentId }) => componentId === "indexes");
};

test("a dropped key of the candle table stops each sync; sync, health and doctor name maint, which builds the key", async () => {
  expectExit(await world.run("sync 1h --symbols BTCUSDT", env), 0);
  await world.database.query("alter table r3a.ohlcv_partitioned drop constraint ohlcv_partitioned_pkey");
  world.exchange.set({ clock: { fixedMs: END + HOUR + 30_000 } });
  const failed = await world.run("sync 1h --symbols BTCUSDT", env);
  expectExit(failed, 78);
  expect(failed.stderr).toMatch(/key that this program needs: run maint.*no unique or exclusion constraint/s);
  expect(await findIndexes()).toMatchObject({
    status: "fail",
    names: ["r3a.ohlcv_partitioned has no primary key, and maint builds it"],
  });
  const doctor = await world.run("doctor --only health", env);
  expect(doctor.stdout).toMatch(/^✗ fail {3}health +\d+ of \d+ results of health pass$/m);
  expect(doctor.stdout).toMatch(/health integrity indexes +.*has no primary key/);
  expectExit(await world.run("maint", env), 0);
  expect(await findIndexes()).toMatchObject({ status: "pass" });
  expectExit(await world.run("sync 1h --symbols BTCUSDT", env), 0);
});

test("a dropped BRIN index of the candle table is a fault until maint has built the index", async () => {
  await world.database.query("drop index r3a.ohlcv_partitioned_brin_ts");
  expect(await findIndexes()).toMatchObject({
    status: "fail",
    names: ["r3a.ohlcv_partitioned has no BRIN index, and maint builds it"],
  });
  expectExit(await world.run("maint", env), 0);
  expect(await findIndexes()).toMatchObject({ status: "pass" });
});
