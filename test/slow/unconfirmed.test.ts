import { expect, test } from "vitest";
import { expectExit } from "../support/candle/series.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { useWorld } from "../support/world.ts";

/** A primary whose standby went: each commit waits for a confirmation that never comes. */
const server = useOwnServer();
const world = useWorld({}, server);
const setStandby = (name: string) =>
  withSession(server.urlOf("postgres"), async (client) => {
    await client.query(`alter system set synchronous_standby_names = '${name}'`);
    await client.query("select pg_reload_conf()");
  });

test("a commit that no standby confirms ends a command without a deadline, and the last line names the standby", async () => {
  await setStandby("nobody");
  const { code, stderr } = await world.run("sync 1h --symbols BTCUSDT");
  expect(stderr).toContain("look at synchronous_standby_names");
  expect(code).toBe(75);
  await setStandby("");
  expectExit(await world.run("sync 1h --symbols BTCUSDT"), 0);
});
