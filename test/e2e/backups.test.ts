import { mkdirSync } from "node:fs";
import { readdir, rename, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { backupSettings } from "../support/backup/each-way.ts";
import { makeSeries } from "../support/candle/made-series.ts";
import { expectExit } from "../support/candle/series.ts";
import { useDatabase } from "../support/database/database.ts";
import { temporaryFolder } from "../support/folder.ts";
import { lastRun } from "../support/last-run.ts";
import { expectResult } from "../support/result-json.ts";
import { runRunner } from "../support/runner.ts";

/** Of `backups --json`, as far as these tests read it. */
type Listed = {
  readonly tiers: readonly object[];
  readonly backups: readonly {
    readonly key: string;
    readonly backup: number;
    readonly bytes: number;
    readonly verifiedAt: string | null;
  }[];
  readonly refused: readonly object[];
  readonly breaks: readonly object[];
  readonly ledgerFault: string | null;
};

const database = useDatabase();
const warm = join(temporaryFolder(), "warm");
const env: Record<string, string> = {};
/** What the delta printed. */
let said = "";
const FROM = Date.UTC(2024, 0, 5);
const HOUR = 3_600_000;

const run = (args: string, more: Readonly<Record<string, string>> = {}) =>
  runRunner(args.split(" "), { ...env, ...more });

async function list(
  args: string,
  { exit = 0, more = {} }: { readonly exit?: number; readonly more?: Readonly<Record<string, string>> } = {},
): Promise<Listed> {
  const ended = await run(`backups --json ${args}`.trim(), more);
  expectExit(ended, exit);
  return expectResult(ended) as unknown as Listed;
}

/** Candles of two symbols, a daily backup of them, and a delta that finds one of them changed by hand. */
beforeAll(async () => {
  mkdirSync(warm);
  const settings = await backupSettings();
  Object.assign(env, settings, { DB_URL: database.url, BACKUP_WARM: `file://${warm}` });
  await makeSeries(
    database.url,
    ["BTCUSDT", "ETHUSDT"].map((symbol) => ({ symbol, interval: "1m", from: FROM, to: FROM + 10 * HOUR })),
  );
  expectExit(await run("backup"), 0);
  await database.query(
    `update r3a.ohlcv_partitioned set close = close * 10 where coin_id = 1 and "timestamp" = $1`,
    [new Date(FROM).toISOString()],
  );
  await database.query("select pg_stat_force_next_flush()");
  const delta = await run("backup --delta");
  expectExit(delta, 1);
  said = delta.stdout;
}, 120_000);

test("backup names the leaf of a suspect, how to look at it, and last how to accept it, in 80 columns", () => {
  expect(said.replaceAll(/\n +/g, " ")).toMatch(
    /^delta backup 2 of \S+: \d+ (?:leaf|leaves) looked at, empty ones too; \d+ new objects with \d+ rows?, [\d.]+ k?B as stored\n/,
  );
  const end = said.slice(said.indexOf("1 candle is suspect (1 new)")).replaceAll("./r3a", "r3a");
  expect(end.split("\n").slice(2)).toEqual([
    "  ohlcv_1m_2024_01:BTCUSDT 1m, 2024-01-05T00:00:00Z changed",
    "Look at them beside what restores:",
    expect.stringMatching(/ restore --to-schema r3a_restored --leaf ohlcv_1m_2024_01 --compare$/),
    "Copy back what is wrong (docs/recovery.md). Only if all are right as they are:",
    expect.stringMatching(/ backup --accept ohlcv_1m_2024_01:BTCUSDT --reason "WHY"$/),
    "",
  ]);
  for (const line of said.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

test("the ledger calls a backup that is complete and found suspects findings, and says what it found", async () => {
  expect(await lastRun(database)).toMatchObject({
    ...{ command: "backup", outcome: "findings", exit_code: 1, error_summary: "1 candles are suspect" },
  });
  expect((await run("runs --command backup")).stdout).toMatch(
    /findings .*backup --delta\n {2}[0-9a-f-]{36}: 1 candles are suspect\n/,
  );
});

test("lists what each tier holds, the newest first, and when it was last verified", async () => {
  const { backups, tiers, refused, breaks, ledgerFault } = await list("");
  expect([refused, breaks, ledgerFault]).toEqual([[], [], null]);
  expect(tiers).toMatchObject([
    { tier: "hot", backups: 2 },
    { tier: "warm", backups: 2 },
  ]);
  const same = { leaves: 1, rows: 1200, symbols: 2 };
  expect(backups).toMatchObject([
    { ...same, tier: "hot", kind: "delta", suspects: 1 },
    { ...same, tier: "warm", kind: "delta", suspects: 1 },
    { ...same, tier: "hot", kind: "daily", suspects: 0 },
    { ...same, tier: "warm", kind: "daily", suspects: 0 },
  ]);
  const [row] = await database.query<{ bytes: number; first: Date }>(
    `select sum(o.bytes)::float8 as bytes, min(c.verified_at) as first from r3a.backup_object o
     join r3a.backup_copy c on c.key = o.key and c.tier = 'hot' where o.backup_id = 1`,
  );
  expect(backups[2]?.bytes).toBe(row?.bytes);
  expect(Date.parse(backups[2]?.verifiedAt ?? "")).toBe(row?.first.getTime());
});

test("has a table that fits into 80 columns", async () => {
  const { code, stdout } = await run("backups");
  const [head = "", ...lines] = stdout.split("\n");
  expect([code, head.split(/ {2,}/)[0]]).toEqual([0, "backup"]);
  expect(
    lines.filter((line) => /^ *[12] +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d +(daily|delta) +(hot|warm) /.test(line)),
  ).toHaveLength(4);
  for (const line of [head, ...lines].filter((each) => !each.includes("file://")))
    expect(line.length).toBeLessThanOrEqual(80);
});

test("names the time that restore --at takes for that backup and none before it", async () => {
  const { stdout } = await run("backups");
  const made = stdout.split("\n").flatMap((line) => / (\d\S+) +(?:daily|delta) +hot /.exec(line)?.[1] ?? []);
  const { backups } = await list("--tier hot");
  expect(made).toHaveLength(2);
  for (const [index, at] of made.entries()) {
    const plan = await run(`restore --to-schema beside --dry-run --json --tier hot --at ${at}`);
    const { leaves } = expectResult(plan) as unknown as { leaves: readonly { from: object }[] };
    expect(leaves).toMatchObject([{ from: { manifest: backups[index]?.key } }]);
    expect(backups[index]?.backup).toBe(2 - index);
  }
});

test("narrows to a tier and a number", async () => {
  expect((await list("--tier warm --last 1")).backups).toMatchObject([{ tier: "warm", kind: "delta" }]);
  const wrong = await run("backups --tier lukewarm --last 0");
  expect([wrong.code, wrong.stderr]).toEqual([
    64,
    expect.stringMatching(/--tier must be.*[\s\S]*--last must be/),
  ]);
  expect((await run("backups --tier cold")).code).toBe(78);
  expect((await run("backups", { BACKUP_HOT: "", BACKUP_WARM: "" })).code).toBe(78);
});

test.each([
  ["is not set", "", /^DB_URL is not set$/],
  ["is away", "postgresql://r3a@127.0.0.1:1/r3a", /./],
])("works from the tiers alone where the database %s", async (_, url, words) => {
  const { backups, ledgerFault } = await list("", { more: { DB_URL: url } });
  expect(backups.map(({ verifiedAt }) => verifiedAt)).toEqual([null, null, null, null]);
  expect(ledgerFault).toMatch(words);
  const text = await run("backups", { DB_URL: url });
  expect([text.code, text.stdout]).toEqual([0, expect.stringContaining("last verified is not known")]);
});

test("a backup for which no tier is there ends with 78 and the tier's name; restore then has nothing to restore from", async () => {
  const away = { BACKUP_HOT: `file://${warm}-away`, BACKUP_WARM: "" };
  const ended = await run("backup --delta", away);
  expect([ended.code, ended.stderr]).toEqual([
    78,
    expect.stringMatching(/settings are wrong:\s+- hot \(file:[^)]*-away\): the folder does not exist/),
  ]);
  expect((await run("restore --to-schema beside --dry-run", away)).code).toBe(3);
});

test("names a manifest whose predecessor is gone, exit 1", async () => {
  const folder = join(warm, "manifests");
  const [newest = "", oldest = ""] = (await readdir(folder)).toSorted().reverse();
  await rename(join(folder, oldest), join(warm, oldest));
  const { backups, breaks } = await list("--tier warm", { exit: 1 });
  expect(backups).toHaveLength(1);
  expect(breaks).toEqual([
    { tier: "warm", manifest: `manifests/${newest}`, previous: `manifests/${oldest}` },
  ]);
  expect((await run("backups --tier warm")).stdout.replaceAll(/\s+/g, " ")).toContain(
    `the manifest before manifests/${newest} is gone (manifests/${oldest}): look who took it away`,
  );
  await rename(join(warm, oldest), join(folder, oldest));
});

test("names a manifest, a record and a tier that cannot be read, and lists the others, exit 1", async () => {
  const [newest = ""] = (await readdir(join(warm, "manifests"))).toSorted().reverse();
  await truncate(join(warm, "manifests", newest), 100);
  const cut = await list("", { exit: 1 });
  expect(cut.backups).toHaveLength(3);
  expect(cut.refused).toMatchObject([{ tier: "warm", manifest: `manifests/${newest}`, leaf: null }]);

  await rm(join(warm, "leaves"), { recursive: true });
  const bare = await list("--tier warm", { exit: 1 });
  expect(bare.backups).toMatchObject([{ rows: 1200, symbols: null, bytes: null, verifiedAt: null }]);
  expect(bare.refused).toHaveLength(2);

  await rm(warm, { recursive: true });
  const away = await list("", { exit: 1 });
  expect(away.backups).toHaveLength(2);
  expect(away.tiers).toMatchObject([{ backups: 2 }, { tier: "warm", backups: null }]);
  expect(away.refused).toMatchObject([{ tier: "warm", manifest: null }]);
});
