import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DevPostgres, ensureDatabase, startPostgres } from "../../dev/postgres/postgres.ts";
import { DAY_MS } from "../../runner/src/time.ts";
import { backupSettings } from "../support/backup/each-way.ts";
import { makeSeries } from "../support/candle/made-series.ts";
import { expectExit } from "../support/candle/series.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { temporaryFolder } from "../support/folder.ts";
import { contentOf } from "../support/restore/lost-database.ts";
import { runRunner } from "../support/runner.ts";

/** From PostgreSQL 15 into a newer server that has none of its roles. */

const OLD_SERVER = "/usr/lib/postgresql/15/bin";
const hasOld = existsSync(`${OLD_SERVER}/initdb`);
const why = hasOld ? "" : " (skipped: PostgreSQL 15 is not installed, apt-get install postgresql-15)";
const server = useOwnServer();
const { BACKUP_IDENTITY, ...BACKUP } = await backupSettings();
const folder = temporaryFolder();
const NOON = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS / 2;
let old: DevPostgres | undefined;
let source: Awaited<ReturnType<typeof contentOf>> = {};

const run = async (args: string, code: number, env: Readonly<Record<string, string>>) => {
  const ended = await runRunner(args.split(" "), { ...BACKUP, ...env });
  expectExit(ended, code);
  return ended;
};

beforeAll(async () => {
  if (!hasOld) return;
  old = await startPostgres({ dir: folder, fsync: false, binDir: OLD_SERVER });
  await ensureDatabase(old, "r3a");
  const url = old.url("r3a");
  await run("migrate --roles", 0, { DB_URL: url });
  const coins = ["AUSDT", "BUSDT", "CUSDT"];
  await makeSeries(url, [
    ...coins.map((symbol) => ({ symbol, interval: "1m" as const, from: NOON - 2 * DAY_MS, to: NOON })),
    ...coins.map((symbol) => ({ symbol, interval: "1h" as const, from: NOON - 300 * DAY_MS, to: NOON })),
  ]);
  await run("backup", 0, { DB_URL: url });
  // what has no base, but a delta alone
  await makeSeries(url, [{ symbol: "DUSDT", interval: "1h", from: NOON - DAY_MS, to: NOON }]);
  await run("backup --delta", 0, { DB_URL: url });
  source = await contentOf(url);
}, 240_000);
afterAll(async () => {
  await old?.stop({ force: true });
  if (old !== undefined) await rm(old.home, { recursive: true, force: true });
});

/** A new database that belongs to a new login, with these words of `create role`. */
async function databaseOf(login: string, words = ""): Promise<string> {
  await server.query(`create role ${login} login password 'secret' ${words}`);
  await server.query(`create database of_${login} owner ${login}`);
  const url = new URL(server.urlOf(`of_${login}`));
  [url.username, url.password] = [login, "secret"];
  return url.href;
}

/**
 * Servers name more of their own constraints, and write views and functions in other words, from version to version. An owner
 * has the right to maintain (m) from 17 on; the rights on one object have no order.
 */
const comparable = (lines: readonly string[]) =>
  lines
    .filter((line) => /^(schema|relation|partition|trigger|default rights|comment) /.test(line))
    .map((line) => {
      const rights = (list: string) => list.replaceAll("arwdDxtm", "arwdDxt").split(",").toSorted().join();
      return line.replace(/\{([^{}]*=[^{}]*)\}$/, (_, list: string) => `{${rights(list)}}`);
    });

async function expectSame(url: string): Promise<void> {
  const { schema, ...there } = await contentOf(url);
  const { schema: wanted = [], ...rows } = source;
  for (const [name, each] of Object.entries(rows)) expect(there[name], name).toEqual(each);
  expect(comparable(schema ?? [])).toEqual(comparable(wanted));
}

test.skipIf(!hasOld)(
  `a login that may not make roles is told the SQL for an administrator, after which it restores; one that may makes them${why}`,
  async () => {
    const plain = await databaseOf("plain");
    const refused = await run(`restore --all --to ${plain}`, 78, { BACKUP_IDENTITY });
    const [, sql = ""] = /an administrator runs: (.*)$/m.exec(refused.stderr) ?? [];
    expect(sql).toMatch(/^create role "r3a_owner" nologin; .*grant "r3a_owner" to "plain"$/);

    const maker = await databaseOf("maker", "createrole");
    const made = await run(`restore --all --to ${maker}`, 0, { BACKUP_IDENTITY });
    expect(made.stderr).toContain("made the roles r3a_owner, r3a_reader, r3a_writer without a login");
    await expectSame(maker);

    const again = await run(`restore --all --to ${plain}`, 78, { BACKUP_IDENTITY });
    const [, rest = ""] = /an administrator runs: (.*)$/m.exec(again.stderr) ?? [];
    expect(rest).toBe('grant "r3a_owner" to "plain"');
    await server.query(rest);
    await run(`restore --all --to ${plain}`, 0, { BACKUP_IDENTITY });
    await expectSame(plain);
    for (const url of [maker, plain]) await run("verify", 0, { DB_URL: url });

    // the next backup, by the new server, finds every part as it is believed
    const { stdout } = await run("backup --json", 0, { DB_URL: plain });
    expect(JSON.parse(stdout)).toMatchObject({ found: 0, open: 0, lost: [] });
    expect(JSON.parse(stdout).rows).toBeLessThan(1_000);
  },
  240_000,
);
