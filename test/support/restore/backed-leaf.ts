import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, beforeEach } from "vitest";
import type { Manifest } from "../../../runner/src/archive/manifest.ts";
import { COPY_COLUMNS } from "../../../runner/src/db/copy-lines.ts";
import { leafAt } from "../../../runner/src/partition/layout.ts";
import { newKey } from "../backup/object.ts";
import { makeSeries } from "../candle/made-series.ts";
import { expectExit } from "../candle/series.ts";
import { useDatabase } from "../database/database.ts";
import { temporaryFolder } from "../folder.ts";
import { expectResult } from "../result-json.ts";
import { runRunner } from "../runner.ts";
import { createMadeBackups } from "./made-backup.ts";

/** Of `restore --json`, as far as tests read it. */
export type Restored = {
  readonly leaves: readonly {
    readonly leaf: string;
    readonly outcome: string;
    readonly from: { readonly tier: string; readonly manifest: string } | null;
    readonly rows: number;
    readonly objects: readonly { readonly kind: string; readonly key: string }[];
    readonly differences?: readonly object[];
  }[];
  readonly refused: readonly { readonly tier: string; readonly manifest: string; readonly reason: string }[];
};

const HOUR = 3_600_000;
/** Where the candles of the leaf begin. */
export const FROM = Date.UTC(2024, 0, 5);
export const LEAF = leafAt("1m", FROM);
/** When the backups were made: a daily one and two deltas. */
export const MADE = ["2024-02-01T02:00:00Z", "2024-02-01T02:15:00Z", "2024-02-01T02:30:00Z"] as const;

/**
 * Registers hooks that give the test file a database with a leaf of four coins, and three backups of it in two tiers. Before
 * each test the tiers are as they were made, and the schema `beside` is gone.
 */
export function useBackedLeaf() {
  const database = useDatabase();
  const [hot, warm, spool, whole] = [
    temporaryFolder(),
    temporaryFolder(),
    temporaryFolder(),
    temporaryFolder(),
  ];
  const tiers = [
    ["hot", hot],
    ["warm", warm],
  ] as const;
  const env: Record<string, string> = {};
  const manifests = new Map<string, { readonly manifest: Manifest; readonly key: string }>();
  /** The rows as the exchange said them, by moment of a backup. */
  const truth = new Map<string, readonly string[]>();
  let recipient = "";

  const at = (minute: number) => new Date(FROM + minute * 60_000).toISOString();
  const rowsOf = async (table: string) => {
    const text = `select (t.*)::text as row from (select ${COPY_COLUMNS} from ${table}) t order by 1`;
    return (await database.query<{ row: string }>(text)).map(({ row }) => row);
  };
  const run = (args: string, more: Readonly<Record<string, string>> = {}) =>
    runRunner(`restore --to-schema beside ${args}`.trim().split(" "), { ...env, ...more });

  beforeAll(async () => {
    const key = await newKey();
    recipient = key.recipient;
    Object.assign(env, { DB_URL: database.url, BACKUP_HOT: `file://${hot}`, BACKUP_WARM: `file://${warm}` });
    env.BACKUP_IDENTITY = key.identity;
    const [from, to] = [FROM, FROM + 10 * HOUR];
    await makeSeries(database.url, [
      { symbol: "BTCUSDT", interval: "1m", from, to },
      { symbol: "ETHUSDT", interval: "1m", from, to, gaps: [{ from: FROM + HOUR, to: FROM + 2 * HOUR }] },
      { symbol: "SOLUSDT", interval: "1m", from, to },
    ]);
    const made = createMadeBackups({ database, folders: [hot, warm], spool, recipients: [recipient] });
    const note = async (madeAt: string, stored: { readonly manifest: Manifest; readonly key: string }) => {
      manifests.set(madeAt, stored);
      truth.set(madeAt, await rowsOf(`r3a.${LEAF.name}`));
    };
    await note(MADE[0], await made.daily({ leaf: LEAF, madeAt: MADE[0], groups: [[1, 2], [3]] }));
    const revised = `coin_id = 1 and "timestamp" = '${at(7)}'`;
    await database.query(`update r3a.${LEAF.name} set close = close + 0.50 where ${revised}`);
    // a coin that comes late has no base
    await makeSeries(database.url, [{ symbol: "XRPUSDT", interval: "1m", from, to: from + HOUR }]);
    await note(MADE[1], await made.delta({ leaf: LEAF, madeAt: MADE[1] }, `coin_id = 4 or (${revised})`));
    await database.query(`update r3a.${LEAF.name} set close = close + 0.25 where ${revised}`);
    await note(MADE[2], await made.delta({ leaf: LEAF, madeAt: MADE[2] }, revised));
    for (const [name, folder] of tiers) await cp(folder, join(whole, name), { recursive: true });
  });

  beforeEach(async () => {
    await database.query("drop schema if exists beside cascade");
    for (const [name, folder] of tiers) {
      await rm(folder, { recursive: true, force: true });
      await cp(join(whole, name), folder, { recursive: true });
    }
  });

  const stored = (madeAt: (typeof MADE)[number]) => {
    const made = manifests.get(madeAt);
    if (made === undefined) throw new Error(`the backup of ${madeAt} is not made before the first test`);
    return made;
  };
  return {
    ...{ database, hot, warm, spool, env, truth, at, rowsOf, run, stored },
    recipient: () => recipient,
    newest: () => stored(MADE[2]).key,
    async runJson(args: string, exit = 0, more: Readonly<Record<string, string>> = {}) {
      const ended = await run(`${args} --json`.trim(), more);
      expectExit(ended, exit);
      return { ...(expectResult(ended) as unknown as Restored), stderr: ended.stderr };
    },
    /** The keys of a plan's objects, in their order. */
    objectsOf: (result: Restored) => result.leaves[0]?.objects.map(({ key }) => key) ?? [],
  };
}
