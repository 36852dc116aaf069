import { expect, test } from "vitest";
import { iso } from "../support/candle/series.ts";
import { useWorld } from "../support/world.ts";

const END = Date.parse("2024-05-10T12:00:00Z");
const world = useWorld({ clock: { fixedMs: END + 30_000 } });
const ID = "01a20000-0000-7000-8000-00000000000a";
const SYNC = "sync 1d --symbols BTCUSDT";
const env = (runId: string) => ({ R3A_RUN_ID: runId, FALLBACK_START: iso(Date.UTC(2024, 4, 1)) });
const listRuns = () =>
  world.database.query<{ run_id: string; outcome: string }>("select run_id, outcome from r3a.run order by 1");

test("a run id that is no UUID is exit 78 with what it must be, beside the other settings", async () => {
  for (const bad of ["-".repeat(36), "abc", "0190a0b0-0000-7000-8000-00000000000g", `${ID}0`]) {
    const commands = bad === "abc" ? [SYNC, "maint", "health", "migrate"] : [SYNC];
    for (const command of commands) {
      const { code, stderr } = await world.run(command, { ...env(bad), UNIVERSE_SIZE: "0" });
      expect([command, code, stderr]).toEqual([
        command,
        78,
        expect.stringContaining(`R3A_RUN_ID must be a UUID such as 01a20000-`),
      ]);
      if (command === SYNC) expect(stderr).toContain("UNIVERSE_SIZE must be");
    }
  }
  expect(await listRuns()).toEqual([]);
});

test("doctor reports a run id that is no UUID among the settings", async () => {
  const { code, stdout } = await world.run("doctor --only settings", env("abc"));
  expect([code, stdout]).toEqual([1, expect.stringContaining("R3A_RUN_ID must be a UUID")]);
});

test("a run id that the ledger has already is exit 78, names that run and leaves it as it was", async () => {
  expect(await world.run(SYNC, env(ID.toUpperCase()))).toMatchObject({ code: 0 });
  const before = await listRuns();
  expect(before).toEqual([{ run_id: ID, outcome: "success" }]);
  for (const command of [SYNC, "maint", "refresh-lastts"]) {
    const { code, stderr } = await world.run(command, env(ID));
    expect([command, code, stderr]).toEqual([
      command,
      78,
      expect.stringMatching(
        new RegExp(
          `R3A_RUN_ID ${ID} is the id of a run that the ledger has already \\(sync of 20\\S+Z, success\\)`,
        ),
      ),
    ]);
  }
  const health = await world.run("health --only freshness", env(ID));
  expect(health.stderr).toMatch(/not in the ledger: .*R3A_RUN_ID .* has already/s);
  expect(await listRuns()).toEqual(before);
});
