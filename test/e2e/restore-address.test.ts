import { beforeAll, expect, test } from "vitest";
import { backupSettings } from "../support/backup/each-way.ts";
import { expectExit } from "../support/candle/series.ts";
import { useEmptyDatabases } from "../support/database/empty-database.ts";
import { useWorld } from "../support/world.ts";

/** Which setting or option a fault of the target names: DB_URL is the lost database, and nobody should look at that one. */

const world = useWorld({ symbols: 1 });
const emptyDatabase = useEmptyDatabases();
const env: Record<string, string> = {};
const AWAY = "postgresql://u:very-secret@127.0.0.1:1/x";

const run = async (words: string, code: number, url = "") => {
  const ended = await world.run(words, { ...env, RESTORE_DB_URL: url });
  expectExit(ended, code);
  return ended;
};

beforeAll(async () => {
  Object.assign(env, await backupSettings(), { SYMBOLS: "BTCUSDT" });
  await world.run("sync 1d", env);
  await run("backup", 0);
});

test.each(["--to", "RESTORE_DB_URL"] as const)("each fault of a connection names %s", async (name) => {
  const refuse = async (url: string, code: number) => {
    const isOption = name === "--to";
    const { stderr } = await run(
      isOption ? `restore --all --to ${url}` : "restore --all",
      code,
      isOption ? "" : url,
    );
    expect(stderr).not.toMatch(/\bDB_URL\b|very-secret/);
    return stderr;
  };
  const url = await emptyDatabase();
  expect(await refuse(AWAY, 75)).toContain(`the database cannot be reached (${name})`);
  const unknown = await refuse(`${url}_none`, 78);
  expect(unknown).toContain(`${name} is refused by the database`);
  expect(unknown).toContain(`correct the name of the database in ${name}`);
  const closed = await refuse(`${url}?sslmode=require`, 78);
  expect(closed).toContain(`${name}: the server at`);
  expect(closed).toContain(`write ?sslmode=disable at the end of ${name}`);
  expect(await refuse("postgresql://h", name === "--to" ? 64 : 78)).toContain(`${name} must look like`);
});

test("RESTORE_DB_URL names the target where --to is absent", async () => {
  const url = await emptyDatabase();
  expect((await run("restore --all --dry-run", 0, url)).stdout).toMatch(/leaves with [\d,]+ rows/);
  await run(`restore --all --dry-run --to ${url}`, 0, AWAY);
  const none = await run("restore --all", 64);
  expect(none.stderr).toMatch(/RESTORE_DB_URL is not set and --to is missing: name an empty database/);
});
