import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { SERVER } from "../support/backup/kill-points.ts";
import { ageTemporary, useKills } from "../support/backup/kills.ts";
import { addMinutes, makeLeaf } from "../support/backup/parts.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { findGateway } from "../support/store/gateway.ts";

const gateway = await findGateway();
const title = `kill -9 of the database server ${"missing" in gateway ? gateway.missing : ""}`;

describe.skipIf("missing" in gateway)(title, () => {
  const server = useOwnServer();
  const kills = useKills(server, gateway);
  const { backups } = kills;
  const leaf = leafAt("1m", Date.now());
  const time = (minute: number) => new Date(leaf.span.from + minute * 60_000).toISOString();

  beforeAll(async () => {
    await makeLeaf(server, "1m", time(0));
  });

  test("while a backup is at work: the run ends with 75, and the next one has every row", async () => {
    let minutes = 0;
    for (const point of SERVER) {
      const truth = minutes === 0 ? [] : await backups.stored();
      await server.query(addMinutes, [1, time(minutes), 50]);
      minutes += 50;
      await kills.killAt(point, "backup", async () => {
        await server.kill();
        await server.start();
      });
      await kills.expectKept(truth);
      await ageTemporary(join(backups.folder, "hot"));
      expect(await backups.run("daily", { stores: kills.tiers() })).toMatchObject({ open: 0 });
      for (const store of kills.tiers())
        expect(await backups.restored(store)).toEqual(await backups.stored());
      await kills.expectNothingLeft();
    }
  }, 600_000);
});
