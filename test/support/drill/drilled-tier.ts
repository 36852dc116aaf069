import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll } from "vitest";
import { newKey } from "../backup/object.ts";
import { expectExit, HOUR, iso } from "../candle/series.ts";
import { type OwnServer, useOwnServer } from "../database/own-server.ts";
import { temporaryFolder } from "../folder.ts";
import { expectResult } from "../result-json.ts";
import { useWorld, type World } from "../world.ts";

/** Of `drill --json`, as far as tests read it. */
export type Drilled = {
  readonly verdict: string;
  readonly tier: string;
  readonly manifest: string;
  readonly leaves: number;
  readonly tables: number;
  readonly rows: number;
  readonly golden: number;
  readonly damage: { readonly key: string; readonly byte: number; readonly reason: string | null } | null;
  readonly faults: readonly string[];
  readonly open: readonly string[];
};

/** The moment at which the exchange stands still. */
export const END = Date.parse("2024-05-10T12:00:00Z");

/** A synced database with a daily backup and a delta in the tiers hot and warm, and another server for its drills. */
export type DrilledTier = {
  readonly world: World;
  readonly server: OwnServer;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs a command and holds its JSON against the schema. */
  runJson(args: string, exit: number, more?: Readonly<Record<string, string>>): Promise<Drilled>;
  /** Databases of drills that are on the server. */
  left(): Promise<readonly string[]>;
};

/** Registers the hooks for one test file. `production`: where the database is, if it is no database of the run's server. */
export function useDrilledTier(production?: OwnServer): DrilledTier {
  const world = useWorld({ clock: { fixedMs: END + 30_000 } }, production);
  const server = useOwnServer();
  const folder = temporaryFolder();
  const env: Record<string, string> = {};
  beforeAll(async () => {
    for (const name of ["hot", "warm", "spool"]) mkdirSync(join(folder, name));
    const { identity, recipient } = await newKey();
    Object.assign(env, {
      ...{ BACKUP_HOT: `file://${folder}/hot`, BACKUP_WARM: `file://${folder}/warm` },
      ...{ BACKUP_SPOOL: join(folder, "spool"), BACKUP_RECIPIENTS: recipient, BACKUP_IDENTITY: identity },
      ...{ DRILL_DB_URL: server.urlOf("postgres"), FALLBACK_START: iso(END - 30 * HOUR) },
    });
    for (const command of ["sync 15m", "backup", "sync 1h", "backup --delta"]) {
      const symbols = command.startsWith("sync") ? " --symbols BTCUSDT,ETHUSDT" : "";
      expectExit(await world.run(`${command}${symbols}`, env), 0);
    }
  }, 120_000);
  return {
    ...{ world, server, folder, env },
    async runJson(args, exit, more = {}) {
      const ended = await world.run(`${args} --json`, { ...env, ...more });
      expectExit(ended, exit);
      return expectResult(ended) as unknown as Drilled;
    },
    async left() {
      const rows = await server.query<{ name: string }>(
        "select datname as name from pg_database where datname like 'r3a\\_drill\\_%' order by 1",
      );
      return rows.map(({ name }) => name);
    },
  };
}
