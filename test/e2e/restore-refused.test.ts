import { cp, mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Manifest, renderManifest } from "../../runner/src/archive/manifest.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { newKey } from "../support/backup/object.ts";
import { makeSeries } from "../support/candle/made-series.ts";
import { FROM, LEAF, MADE, useBackedLeaf } from "../support/restore/backed-leaf.ts";
import { createMadeBackups, putFile } from "../support/restore/made-backup.ts";

const SLOW = leafAt("4h", FROM);
const DAYS = 2 * 86_400_000;
const leaf = useBackedLeaf();
const { database, hot, warm, spool, env, recipient, truth, rowsOf, run, runJson, stored, newest, objectsOf } =
  leaf;

describe("a backup that is not what it should be", () => {
  const file = (folder: string, key: string) => join(folder, key);
  /** Each damages the newest base in hot; its words say what the log says. */
  const DAMAGES: readonly (readonly [string, RegExp, (key: string, other: string) => Promise<void>])[] = [
    ["flipped", /SHA-256|damaged/, async (key) => flip(file(hot, key))],
    ["truncated", /ends after|announced|bytes/, async (key) => truncate(file(hot, key), 1_000)],
    ["empty", /empty/, async (key) => truncate(file(hot, key), 0)],
    ["missing", /no such file/, async (key) => rm(file(hot, key))],
    [
      "swapped with another",
      /more than|ends after|SHA-256/,
      async (key, other) => cp(file(hot, other), file(hot, key)),
    ],
  ];

  async function flip(path: string): Promise<void> {
    const bytes = await readFile(path);
    bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 4;
    await writeFile(path, bytes);
  }

  test.each(DAMAGES)(
    "object that is %s is refused by its name, and the next tier is taken",
    async (_name, words, damage) => {
      const [first = "", second = ""] = objectsOf(await runJson("--dry-run"));
      await damage(first, second);
      const result = await runJson(`--leaf ${LEAF.name}`);
      expect(result.leaves).toMatchObject([
        { outcome: "restored", from: { tier: "warm", manifest: newest() } },
      ]);
      expect(result.refused).toMatchObject([
        { tier: "hot", manifest: newest(), leaf: LEAF.name, reason: expect.stringContaining(first) },
      ]);
      expect(result.refused[0]?.reason).toMatch(words);
      expect(result.stderr).toContain('"event.name":"backup_refused"');
      expect(await rowsOf(`beside.${LEAF.name}`)).toEqual(truth.get(MADE[2]));
    },
  );

  test("a delta that is broken in each tier costs what came after it, and no more", async () => {
    const delta = objectsOf(await runJson("--dry-run")).at(-1) ?? "";
    for (const folder of [hot, warm]) await flip(file(folder, delta));
    const result = await runJson(`--leaf ${LEAF.name}`);
    expect(result.leaves).toMatchObject([{ from: { tier: "hot", manifest: stored(MADE[1]).key } }]);
    expect(result.refused.map(({ tier }) => tier)).toEqual(["hot", "warm"]);
    expect(await rowsOf(`beside.${LEAF.name}`)).toEqual(truth.get(MADE[1]));
  });

  test("manifests and records that were cut are refused; with --tier no other tier is asked", async () => {
    await truncate(file(hot, newest()), 200);
    await truncate(file(hot, stored(MADE[1]).manifest.leaves[0]?.key ?? ""), 30);
    const result = await runJson("--tier hot");
    expect(result.leaves).toMatchObject([{ from: { tier: "hot", manifest: stored(MADE[0]).key } }]);
    expect(result.refused.map(({ reason }) => reason)).toEqual([
      expect.stringContaining(`${newest()} was cut or changed`),
      expect.stringMatching(/leaves\/ohlcv.* was cut or changed/),
    ]);
    expect(await rowsOf(`beside.${LEAF.name}`)).toEqual(truth.get(MADE[0]));
  });

  test("nothing is left: exit 3 with each reason, no table and no schema", async () => {
    const bases = objectsOf(await runJson("--dry-run")).slice(0, 2);
    for (const key of bases) for (const folder of [hot, warm]) await rm(file(folder, key));
    const result = await runJson(`--leaf ${LEAF.name}`, 3);
    expect(result.leaves).toMatchObject([{ leaf: LEAF.name, outcome: "failed", from: null }]);
    expect(result.refused).toHaveLength(6);
    expect(result.refused.every(({ reason }) => reason.includes(bases[0] ?? "?"))).toBe(true);
    expect(await database.query("select from pg_namespace where nspname = 'beside'")).toEqual([]);
    const text = await run(`--leaf ${LEAF.name}`);
    expect([text.code, text.stdout]).toEqual([
      3,
      expect.stringMatching(
        /no backup can be restored from[\s\S]*not restored: ohlcv_1m_2024_01\n[\s\S]*not restored from:/,
      ),
    ]);
  });

  test("a key that opens nothing is refused for each object, and no part of it is shown", async () => {
    const { identity } = await newKey();
    const result = await run(`--leaf ${LEAF.name} --json`, { BACKUP_IDENTITY: identity });
    expect([result.code, result.stdout]).toEqual([3, expect.stringContaining("encrypted to other keys")]);
    for (const secret of [identity, env.BACKUP_IDENTITY ?? "?"])
      expect(result.stdout + result.stderr).not.toContain(secret.slice(0, 30));
    // said once: a conclusion, a line for each tier with the newest of three backups, and the same in the log
    const text = await run(`--leaf ${LEAF.name}`, { BACKUP_IDENTITY: identity });
    expect(text.stdout.replaceAll(/\n +/g, " ")).toMatch(
      /^the secret key opens no backup: [\s\S]*\nnot restored from: hot, 3 backups, the newest manifests[\s\S]*\n?warm, 3 backups/,
    );
    expect(text.stdout.match(/encrypted\s+to\s+other\s+keys/g)).toHaveLength(2);
    expect(text.stderr.match(/"event.name":"backup_refused"/g)).toHaveLength(2);
    for (const line of text.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  });

  test.each([
    ["--symbols NOSUCH", "no backup knows NOSUCH", null],
    ["--leaf ohlcv_1m_2031_01", "no backup knows the leaf ohlcv_1m_2031_01", "ohlcv_1m_2031_01"],
  ])("%s, which no backup knows: one conclusion, exit 3, and --json has each", async (args, words, leaf) => {
    const text = await run(args);
    expect([text.code, text.stdout.split("\n")[0]]).toEqual([3, words]);
    expect(text.stdout.match(/does not know/g)).toHaveLength(2);
    expect(text.stderr.match(/"event.name":"backup_refused"/g)).toHaveLength(2);
    const { refused } = await runJson(args, 3);
    expect(refused).toHaveLength(6);
    expect(refused).toMatchObject(refused.map(() => ({ leaf })));
  });

  test("rows that are not those of the record are refused by part, however well they are sealed", async () => {
    const { manifest } = stored(MADE[2]);
    // without the last delta a row keeps its older close
    const stale = { ...manifest, madeAt: "2024-02-01T02:45:00Z", deltas: manifest.deltas.slice(0, 1) };
    const { key, text } = renderManifest(stale);
    await putFile([hot], key, text);
    const result = await runJson(`--leaf ${LEAF.name} --tier hot`);
    expect(result.refused).toMatchObject([
      { manifest: key, reason: expect.stringContaining("coin 1 1m has other values") },
    ]);
    expect(result.leaves).toMatchObject([{ from: { manifest: newest() } }]);
  });

  test("a manifest that a later release wrote is refused; where nothing else is there, the exit code is 78", async () => {
    const { manifest } = stored(MADE[2]);
    const newer = { ...manifest, version: 2, madeAt: "2024-02-01T03:00:00Z" } as unknown as Manifest;
    const { key, text } = renderManifest(newer);
    await putFile([hot], key, text);
    const result = await runJson(`--leaf ${LEAF.name}`);
    expect(result.refused).toMatchObject([
      { manifest: key, reason: expect.stringContaining("has version 2") },
    ]);
    // what is restored is older than what is there: that is no failure, and said
    expect(result.leaves).toMatchObject([{ outcome: "restored", from: { manifest: newest() } }]);
    await database.query("drop schema beside cascade");
    const shown = await run(`--leaf ${LEAF.name}`);
    expect([shown.code, shown.stdout]).toEqual([
      0,
      expect.stringMatching(
        new RegExp(
          `1 leaf is restored as beside[\\s\\S]*not restored from:\n {2}hot:\\s+${key}\\s+has version 2[^]*run the release that\\s+wrote the newest backup`,
        ),
      ),
    ]);
    await database.query("drop schema beside cascade");
    for (const folder of [hot, warm])
      for (const name of await readdir(join(folder, "manifests")))
        if (!key.endsWith(name)) await rm(join(folder, "manifests", name));
    expect((await run(`--leaf ${LEAF.name}`)).code).toBe(78);
  });

  test("no backup at all is exit 3, and a tier that is not there is named", async () => {
    await rm(join(hot, "manifests"), { recursive: true });
    await rm(warm, { recursive: true });
    const result = await runJson(`--leaf ${LEAF.name}`, 3);
    expect(result).toMatchObject({ leaves: [], refused: [{ tier: "warm", manifest: null }] });
    await mkdir(warm);
  });
});

test("several leaves: the one that no backup has whole is named, the others are restored, exit 1", async () => {
  const made = createMadeBackups({ database, folders: [hot, warm], spool, recipients: [recipient()] });
  await makeSeries(database.url, [{ symbol: "ADAUSDT", interval: "4h", from: FROM, to: FROM + DAYS }]);
  const { manifest } = stored(MADE[2]);
  const slow = await made.daily({ leaf: SLOW, madeAt: "2024-02-02T02:00:00Z" });
  const both = {
    ...slow.manifest,
    madeAt: "2024-02-03T02:00:00Z",
    leaves: [...manifest.leaves, ...slow.manifest.leaves],
    deltas: manifest.deltas,
  };
  const { key, text } = renderManifest(both);
  await putFile([hot], key, text);
  const [base = ""] = objectsOf(await runJson(`--leaf ${LEAF.name} --dry-run`));
  for (const folder of [hot, warm]) await rm(join(folder, base));
  const result = await runJson("", 1);
  expect(result.leaves.map(({ leaf, outcome }) => [leaf, outcome])).toEqual([
    [LEAF.name, "failed"],
    [SLOW.name, "restored"],
  ]);
});
