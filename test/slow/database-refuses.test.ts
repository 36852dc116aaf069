import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { coveredOf, DAY, HOUR, iso } from "../support/candle/series.ts";
import { expectComplete, runUntilComplete } from "../support/crash.ts";
import { withSession } from "../support/database/empty-database.ts";
import { runCommand, useOwnServer } from "../support/database/own-server.ts";
import { expectInvariant, useWorld } from "../support/world.ts";

const END = Date.UTC(2024, 5, 1);
const SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];
const backfill = (interval: string, from: number, to = END): string =>
  `backfill ${interval} --symbols ${SYMBOLS} --from ${iso(from)} --to ${iso(to)}`;

describe("a database that refuses writes", () => {
  const world = useWorld({ weightLimit: null });
  const coinIdOf = async (symbol: string) =>
    (await world.database.query<{ id: number }>("select id from r3a.coin where symbol = $1", [symbol]))[0]
      ?.id;

  test("of one coin fails that series with the reason and stores the others; its coverage stays", async () => {
    expect(await world.run(backfill("1h", END - 10 * DAY))).toMatchObject({ code: 0 });
    await world.database.query(
      `create function r3a.refuse() returns trigger language plpgsql as $$
       begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$`,
    );
    await world.database.query(
      `create trigger refuse before insert on r3a.ohlcv_partitioned for each row
       when (new.coin_id = ${await coinIdOf("ETHUSDT")}) execute function r3a.refuse()`,
    );
    const run = await world.run(`${backfill("1h", END - 200 * DAY)} --json`);
    expect(run.code).toBe(75);
    expect(run.stderr).toContain("disk of the database server is full");
    expect(run.stderr).toContain("No space left on device");
    expect(JSON.parse(run.stdout).intervals).toMatchObject([{ failed: 1, added: 2 * 190 * 24 }]);
    expect(await coveredOf(world, "ETHUSDT", "1h")).toEqual([END - 10 * DAY, END]);
    expect(await coveredOf(world, "BTCUSDT", "1h")).toEqual([END - 200 * DAY, END]);
    expect(await coveredOf(world, "SOLUSDT", "1h")).toEqual([END - 200 * DAY, END]);
    await expectInvariant(world);
    const items = await world.database.query(
      `select c.symbol, i.outcome, i.error from r3a.run_item i join r3a.coin c on c.id = i.coin_id
       where run_id = $1 and i.outcome <> 'success'`,
      [JSON.parse(run.stdout).runId],
    );
    expect(items).toEqual([
      { symbol: "ETHUSDT", outcome: "failure", error: expect.stringContaining("No space left on device") },
    ]);
    await world.database.query("drop trigger refuse on r3a.ohlcv_partitioned");
    await runUntilComplete(world, backfill("1h", END - 200 * DAY));
    await expectComplete(world, "1h", SYMBOLS, { from: END - 200 * DAY, to: END });
  });

  test("to a table of a right that was taken away fails who needs it and nobody else", async () => {
    await world.database.query(`
      create role narrow login password 'of-narrow';
      grant usage on schema r3a, r3a_util to narrow;
      grant select, insert, update, delete on all tables in schema r3a, r3a_util to narrow;
      grant usage on all sequences in schema r3a to narrow;
      revoke insert on r3a.ohlcv_gap_log from narrow`);
    const url = new URL(world.database.url);
    [url.username, url.password] = ["narrow", "of-narrow"];
    const missing = END - 300 * HOUR - 200 * DAY;
    world.exchange.set({ faults: [{ kind: "drop-rows", symbol: "SOLUSDT", slots: [missing] }] });
    const env = { DB_URL: url.href };
    const run = await world.run(`${backfill("1h", END - 220 * DAY)} --json`, env);
    expect(run.code).toBe(78);
    expect(run.stderr).toContain("permission denied for table ohlcv_gap_log");
    expect(run.stderr).toContain("narrow");
    expect(JSON.parse(run.stdout).intervals).toMatchObject([{ failed: 1, added: 2 * 20 * 24 }]);
    expect(await coveredOf(world, "SOLUSDT", "1h")).toEqual([END - 200 * DAY, END]);
    await expectInvariant(world);
    await world.database.query("revoke insert on r3a.ohlcv_partitioned from narrow");
    const second = await world.run(backfill("1h", END - 230 * DAY), env);
    expect(second.code).toBe(78);
    expect(second.stderr).toContain("permission denied for table ohlcv_partitioned");
    expect(await coveredOf(world, "BTCUSDT", "1h")).toEqual([END - 220 * DAY, END]);
    await expectInvariant(world);
    await world.database.query("drop owned by narrow; drop role narrow");
    world.exchange.clearFaults();
  });
});

const mountPoint = join(tmpdir(), `r3a-full-${process.pid}`);
await mkdir(mountPoint);
const canMount = await runCommand("mount", ["-t", "tmpfs", "-o", "size=256m,mode=0777", "tmpfs", mountPoint]);
if (!canMount) await rm(mountPoint, { recursive: true });

describe.skipIf(!canMount)(
  "a disk that is really full (a small tmpfs; skipped where mounting is not allowed)",
  () => {
    const server = useOwnServer(async (own) => {
      const { account } = own.place;
      if (account !== undefined) await runCommand("chown", [`${account.uid}:${account.gid}`, mountPoint]);
      await withSession(own.urlOf("postgres"), (client) =>
        client.query(`create tablespace small location '${mountPoint}'`),
      );
      await withSession(own.urlOf("postgres"), (client) =>
        client.query("alter database r3a set tablespace small"),
      );
    });
    const world = useWorld({ weightLimit: null }, server);
    afterAll(async () => {
      await runCommand("umount", ["-l", mountPoint]);
      await rm(mountPoint, { recursive: true });
    });
    const resize = async (spareMb: number) => {
      await world.database.query("checkpoint");
      const [row] = await world.database.query<{ mb: number }>(
        "select ceil(pg_tablespace_size('small') / 1048576.0)::int as mb",
      );
      const size = `remount,size=${(row?.mb ?? 0) + spareMb}m`;
      expect(await runCommand("mount", ["-o", size, mountPoint])).toBe(true);
    };

    test("fails the run with the system's own words, keeps the invariant, and once it has room the work completes", async () => {
      expect(await world.run(backfill("1m", END - DAY))).toMatchObject({ code: 0 });
      await resize(4);
      const run = await world.run(backfill("1m", END - 20 * DAY));
      expect(run.code).toBe(75);
      expect(run.stderr).toContain("disk of the database server is full");
      expect(run.stderr).toContain("No space left on device");
      await expectInvariant(world);
      await resize(100);
      await runUntilComplete(world, backfill("1m", END - 20 * DAY));
      await expectComplete(world, "1m", SYMBOLS, { from: END - 20 * DAY, to: END });
    }, 120_000);
  },
);
