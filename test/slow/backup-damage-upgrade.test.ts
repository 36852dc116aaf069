import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { QueryResultRow } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DevPostgres, ensureDatabase, startPostgres } from "../../dev/postgres/postgres.ts";
import { migrate } from "../../runner/src/db/schema/migrate.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { addMinutes, makeLeaf, reviseMinutes } from "../support/backup/parts.ts";
import { readManifests } from "../support/backup/restored.ts";
import { useBackups } from "../support/backup/runs.ts";
import { expectExit } from "../support/candle/series.ts";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";
import { runRunner } from "../support/runner.ts";

/** PostgreSQL 15 is left for a newer one by pg_dump: the next backup must know every candle again. */

const OLD = "/usr/lib/postgresql/15/bin";
const why = existsSync(join(OLD, "initdb"))
  ? ""
  : " (skipped: no PostgreSQL 15, apt-get install postgresql-15)";
const emptyDatabase = useEmptyDatabases();
let [dir, url] = ["", ""];
let old: DevPostgres | undefined;
/** Where DB_URL leads. */
const database = {
  get url() {
    return url;
  },
  query: <Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) =>
    withSession(url, async (client) => (await client.query<Row>(text, [...values])).rows),
};
const backups = useBackups(database);
const leaf = leafAt("1m", Date.now());
const time = (minute: number) => new Date(leaf.span.from + minute * 60_000).toISOString();
const add = (coin: number, from: number, count: number) =>
  database.query(addMinutes, [coin, time(from), count]);
const revise = (...rows: readonly [coin: number, from: number, count: number]) =>
  reviseMinutes(database, leaf, rows);

beforeAll(async () => {
  if (why !== "") return;
  dir = await mkdtemp(join(tmpdir(), "r3a-old-"));
  old = await startPostgres({ dir, binDir: OLD, fsync: false });
  await ensureDatabase(old, "r3a");
  url = old.url("r3a");
  await migrate(url);
});
afterAll(async () => {
  await old?.stop({ force: true });
  if (old !== undefined) for (const path of [old.home, dir]) await rm(path, { recursive: true, force: true });
});

test.skipIf(why !== "")(
  `after a dump into another major version only what was damaged is suspect, and old backups restore${why}`,
  async () => {
    await makeLeaf(database, "1m", time(0));
    for (const coin of [1, 2, 3]) await add(coin, 0, 300);
    await database.query("update r3a.ohlcv_partitioned set trades = null where coin_id = 3");
    await backups.run("daily");
    await add(1, 300, 10);
    await revise(2, 20, 5);
    await backups.run("delta");
    const truth = await backups.stored();
    // what no backup has yet: a revision and new candles
    await revise(2, 40, 5);
    await add(3, 300, 10);
    const right = await backups.stored();

    const after = await emptyDatabase();
    await promisify(execFile)(
      "bash",
      ["-c", `set -o pipefail; ${OLD}/pg_dump "$OLD_URL" | psql -qX -v ON_ERROR_STOP=1 "$NEW_URL"`],
      { env: { PATH: process.env.PATH ?? "", OLD_URL: url, NEW_URL: after } },
    );
    url = after;
    expect(await backups.stored()).toEqual(right);
    await database.query(
      `update r3a.ohlcv_partitioned set close = 1 where coin_id = 1 and "timestamp" = '${time(7)}'`,
    );
    expect(await backups.run("delta")).toMatchObject({ isWhole: true, found: 1, open: 1 });
    expect(await backups.restored()).toEqual(right);
    expect(await backups.run("daily")).toMatchObject({ isWhole: false, found: 0, open: 1 });
    await add(2, 300, 10);
    expect(await backups.run("delta")).toMatchObject({ isWhole: false, found: 0, open: 1 });
    // the part in doubt keeps the hash that was made before
    const parts = await database.query<{ major: number }>(
      "select server_version / 10000 as major from r3a.backup_part order by coin_id",
    );
    expect(parts.map(({ major }) => major === 15)).toEqual([true, false, false]);

    const added = (await backups.stored()).filter((line) => line.startsWith("2\t") && !right.includes(line));
    const ofOld = (await readManifests(backups.hot)).find(({ server }) => server.version < 160_000);
    for (const [schema, at, rows] of [
      ["as_it_was", ["--at", ofOld?.madeAt ?? ""], truth],
      ["as_it_is", [], [...right, ...added].toSorted()],
    ] as const) {
      const settings = { BACKUP_HOT: `file://${backups.folder}/hot`, BACKUP_IDENTITY: backups.identity };
      const args = ["restore", "--to-schema", schema, "--leaf", leaf.name, ...at];
      expectExit(await runRunner(args, { DB_URL: url, ...settings }), 0);
      expect(await backups.stored(`${schema}.${leaf.name}`)).toEqual(rows);
    }
  },
  180_000,
);
