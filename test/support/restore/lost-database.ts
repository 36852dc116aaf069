import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll } from "vitest";
import { EXPORTED_TABLES } from "../../../runner/src/db/backup/tables.ts";
import { COPY_COLUMNS } from "../../../runner/src/db/copy-lines.ts";
import { backupSettings } from "../backup/each-way.ts";
import { DAY, expectExit } from "../candle/series.ts";
import { withSession } from "../database/empty-database.ts";
import { schemaFingerprint } from "../database/schema-fingerprint.ts";
import { temporaryFolder } from "../folder.ts";
import { sealLeaf } from "../leaf/seal-leaf.ts";
import { expectResult, type Result } from "../result-json.ts";
import type { RunResult } from "../runner.ts";
import type { World } from "../world.ts";

const SYMBOLS = "BTCUSDT,ETHUSDT";
/** An old month of 1m that is not in the hot set. */
const OLD = "2026-03-01";
export const OLD_LEAF = "ohlcv_1m_2026_03";

/** The tables that say what is stored, and not how this database was run. */
const COMPARED = EXPORTED_TABLES.filter(
  ({ name }) => !/^r3a\.(backup|run$|job_counter|api_budget|health_result|drill)/.test(name),
);

/**
 * Registers hooks that fill a database from the simulated exchange, and back it up: a daily backup into hot and cold, then two
 * deltas into hot, with a gap that is deleted between these. `to` names an empty database.
 */
export function useLostDatabase(world: World) {
  const env: Record<string, string> = {};
  const since = Math.floor(Date.now() / DAY) * DAY - DAY;
  const run = async (args: string, code = 0, more: Readonly<Record<string, string>> = {}) => {
    const ended = await world.run(args, { ...env, ...more });
    expectExit(ended, code);
    return ended;
  };
  beforeAll(async () => {
    const cold = join(temporaryFolder(), "cold");
    mkdirSync(cold);
    Object.assign(env, await backupSettings(), { BACKUP_COLD: `file://${cold}`, SYMBOLS });
    env.SYNC_INTERVALS = "1m,1h,1d";
    env.FALLBACK_START = new Date(since).toISOString().slice(0, 10);
    await Promise.all(["1m", "1h", "1d"].map((interval) => run(`sync ${interval}`)));
    await run(`backfill 1m --symbols BTCUSDT --from ${OLD} --to ${OLD}T02:00`);
    // what no backfill would leave, so that a gap of this series can go
    const gap = `coin_id = 2 and "interval" = '1d'`;
    await world.database.query(`
      insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason)
      values (gen_random_uuid(), 2, '1d', '2020-01-01', '2020-01-02', 'confirmed_absent', 'absent')`);
    await run("backup");
    // the next candles reopen it; a restored leaf has no guard
    await sealLeaf(world.database.url, OLD_LEAF);
    await run(`backfill 1m --symbols BTCUSDT --from ${OLD}T02:00 --to ${OLD}T04:00`);
    await run("backup --delta");
    await world.database.query(`delete from r3a.ohlcv_gap_log where ${gap}`);
    await world.database.query(`
      insert into r3a.api_budget (egress_key, used, banned_until) values ('banned', 7, now() + interval '1 day'), ('free', 9, '-infinity')`);
    await run("backup --delta");
  });
  return {
    ...{ env, since, run },
    /** Starts a restore into the database of `url`. */
    start: (url: string, more: Readonly<Record<string, string>> = {}) =>
      world.start(`restore --all --to ${url}`, { ...env, ...more }),
    async restore(url: string, args = "", code = 0): Promise<Result & { readonly ended: RunResult }> {
      const ended = await run(`restore --all --to ${url} --json${args}`, code);
      return { ...expectResult(ended), ended };
    },
  };
}

/** Everything that is stored, and the schema with owners and grants; but for the counters of runs, and guards. */
export async function contentOf(url: string): Promise<Readonly<Record<string, readonly string[]>>> {
  return withSession(url, async (client) => {
    await client.query("set timezone = 'UTC'");
    const rowsOf = async (table: string, columns: string) => {
      const text = `select (t.*)::text as row from (select ${columns} from ${table}) t order by 1`;
      return (await client.query<{ row: string }>(text)).rows.map(({ row }) => row);
    };
    const content: Record<string, readonly string[]> = {
      candles: await rowsOf("r3a.ohlcv_partitioned", COPY_COLUMNS),
      schema: (await schemaFingerprint(url))
        .split("\n")
        .filter((line) => !/^counter |^trigger .* r3a_guard/.test(line)),
    };
    for (const { name, columns } of COMPARED)
      content[name] = await rowsOf(name, columns.map((column) => `"${column}"`).join(", "));
    return content;
  });
}
