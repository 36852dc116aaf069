import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { ageTemporary, useKills } from "../support/backup/kills.ts";
import { addMinutes, makeLeaf } from "../support/backup/parts.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";
import type { KillPoint } from "../support/kill-wire.ts";
import { expectNoLeftOvers } from "../support/leaf/left-overs.ts";
import { SEAL, SOME_OF_SEAL } from "../support/seal/kill-points.ts";
import { createSeal, stateOf } from "../support/seal/seals.ts";
import { findGateway } from "../support/store/gateway.ts";

/** R3A_KILL_SEED=all: at each point of the list, which takes minutes. */
const ALL = process.env.R3A_KILL_SEED === "all" ? SEAL : SOME_OF_SEAL;
const gateway = await findGateway();
const title = `kill -9 of a seal ${"missing" in gateway ? gateway.missing : ""}`;

describe.skipIf("missing" in gateway)(title, () => {
  const database = useQuietServer();
  const kills = useKills(database, gateway);
  const { backups } = kills;
  const leaf = leafAt("1m", Date.UTC(2024, 1));
  const time = (minute: number) => new Date(leaf.span.from + minute * 60_000).toISOString();

  beforeEach(async () => {
    await database.query(`drop table if exists r3a.${leaf.name}`);
    await database.query("drop schema if exists quarantine cascade");
    await database.query(`truncate r3a.backup, r3a.backup_object, r3a.backup_copy, r3a.backup_use, r3a.backup_part,
      r3a.backup_leaf, r3a.backup_suspect, r3a.backup_doubt, r3a.leaf_state, r3a.leaf_reopening, r3a.quarantine`);
    await makeLeaf(database, "1m", time(0));
    for (const coin of [1, 2]) await database.query(addMinutes, [coin, time(0), 200]);
    await backups.run("daily", { stores: kills.tiers() });
    // a part without a base, so that the seal has an object to write
    await database.query(addMinutes, [3, time(0), 50]);
  });

  test.each(ALL.map((points) => [points[0]?.name ?? "", points] as const))(
    "%s, and the points behind it: each candle is there once, and the next run leaves nothing behind",
    async (_first, points: readonly KillPoint[]) => {
      const truth = await backups.stored();
      for (const point of points) {
        await kills.killAt(point, "seal");
        expect([point.name, await backups.stored()]).toEqual([point.name, truth]);
      }
      await ageTemporary(join(backups.folder, "hot"));
      const { leaves, stop } = await createSeal(database, backups)({ stores: kills.tiers() });
      expect(stop).toBe(null);
      for (const { outcome } of leaves) expect(outcome).toBe("sealed");
      expect(await stateOf(database, leaf.name)).toMatchObject({ state: "sealed", isGuarded: true });
      expect(await backups.stored()).toEqual(truth);
      expect(await database.query("select leaf from r3a.quarantine")).toEqual([{ leaf: leaf.name }]);
      await expectNoLeftOvers(database);
      expect(await backups.run("delta", { stores: kills.tiers() })).toMatchObject({ found: 0, open: 0 });
      for (const store of kills.tiers()) expect(await backups.restored(store)).toEqual(truth);
      await kills.expectNothingLeft();
    },
    600_000,
  );
});
