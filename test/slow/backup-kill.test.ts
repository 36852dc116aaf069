import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { ACCEPT, DAILY, DELTA } from "../support/backup/kill-points.ts";
import { ageTemporary, useKills } from "../support/backup/kills.ts";
import { addMinutes, makeLeaf } from "../support/backup/parts.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";
import type { KillPoint } from "../support/kill-wire.ts";
import { findGateway } from "../support/store/gateway.ts";

const gateway = await findGateway();
const title = `kill -9 of a backup ${"missing" in gateway ? gateway.missing : ""}`;

describe.skipIf("missing" in gateway)(title, () => {
  const database = useQuietServer();
  const kills = useKills(database, gateway);
  const { backups } = kills;
  const leaf = leafAt("1m", Date.now());
  const time = (minute: number) => new Date(leaf.span.from + minute * 60_000).toISOString();
  let minutes = 0;

  /** Of two coins, so that a base and a delta have rows to give. */
  const addRows = async () => {
    for (const coin of [1, 2]) await database.query(addMinutes, [coin, time(minutes), 50]);
    minutes += 50;
  };
  const back = async (kind: "daily" | "delta") => {
    const result = await backups.run(kind, { stores: kills.tiers() });
    expect(result.tiers).toMatchObject([{ fault: null }, { fault: null }]);
    return result;
  };

  beforeAll(async () => {
    await makeLeaf(database, "1m", time(0));
  });
  beforeEach(addRows);

  /** Kills runs one after the other; then one that nobody kills has everything, and nothing is left of the others. */
  async function killAll(points: readonly KillPoint[], args: string, kind: "daily" | "delta"): Promise<void> {
    const truth = await backups.stored();
    await addRows();
    for (const point of points) {
      await kills.killAt(point, args);
      await kills.expectKept(truth);
    }
    await ageTemporary(join(backups.folder, "hot"));
    await back(kind);
    for (const store of kills.tiers()) expect(await backups.restored(store)).toEqual(await backups.stored());
    await kills.expectNothingLeft();
  }

  test("daily, at each of its steps: the next run has every row, and nothing half is believed or left", async () => {
    await back("daily");
    for (const points of DAILY) await killAll(points, "backup", "daily");
  }, 600_000);

  test("delta, at each of its steps: the same", async () => {
    await back("daily");
    for (const points of DELTA) await killAll(points, "backup --delta", "delta");
  }, 600_000);

  test("--accept, at each of its steps: what is suspect is accepted as a whole or not at all", async () => {
    await back("daily");
    for (const points of ACCEPT) {
      const truth = await backups.stored();
      await database.query(
        `update r3a.${leaf.name} set close = close + 1 where coin_id = 1 and "timestamp" = $1`,
        [time(minutes - 1)],
      );
      const now = new Set(await backups.stored());
      const untouched = truth.filter((line) => now.has(line));
      expect(await back("delta")).toMatchObject({ found: 1, open: 1 });
      for (const point of points) {
        await kills.killAt(point, `backup --accept ${leaf.name} --reason seen-by-a-test`);
        await kills.expectKept(untouched);
      }
      const accept = { leaf: leaf.name, coinId: null, reason: "seen-by-a-test" };
      const { open } = await backups.run("daily", { stores: kills.tiers(), accept });
      expect(open).toBe(0);
      for (const store of kills.tiers())
        expect(await backups.restored(store)).toEqual(await backups.stored());
      await kills.expectNothingLeft();
    }
  }, 600_000);
});
