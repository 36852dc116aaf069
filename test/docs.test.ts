import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { renderCommands } from "../dev/docs.ts";
import { REGISTRY } from "../runner/src/commands/registry.ts";
import { COMMANDS } from "../runner/src/contract.ts";
import { runRunner } from "./support/runner.ts";
import { useWorld } from "./support/world.ts";

const read = (name: string) => readFile(fileURLToPath(new URL(`../${name}`, import.meta.url)), "utf8");
const readme = await read("README.md");
const reference = await read("docs/commands.md");
const guides = [await read("docs/operations.md"), await read("docs/quick-reference.md")];

/** Commands of the runner in the code blocks, tables and help examples of a page, each once. */
function listCommands(text: string): readonly string[] {
  const lines = text.matchAll(/^ *(?:npm start --|npm run runner --|runner) ((?:[a-z]+)[^\n]*)$/gm);
  const inTables = text.matchAll(/`npm run runner -- ([^`\n]+)`/g);
  const found = [...lines, ...inTables].map(([, command]) => command ?? "");
  return [...new Set(found)].filter((command) => COMMANDS.some((name) => command.split(" ")[0] === name));
}

/** As a shell splits them, as far as the docs go. */
function wordsOf(command: string): readonly string[] {
  return (command.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^(['"])(.*)\1$/, "$2"));
}

test("docs/commands.md is what the program renders", () => {
  expect(reference).toBe(renderCommands());
});

test("the README's table names every command with its summary", () => {
  const rows = [...readme.matchAll(/^\| `([a-z-]+)[^|]*\| (.+) \|$/gm)].map(([, name, summary]) => [
    name,
    summary?.replaceAll("`", ""),
  ]);
  const expected = COMMANDS.map((name) => [name, REGISTRY[name].summary]);
  expect(rows.filter(([name]) => COMMANDS.some((known) => known === name))).toEqual(expected);
});

describe("every command that the docs show", () => {
  const world = useWorld({ symbols: 20 });
  const since = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);
  const commands = listCommands([readme, reference, ...guides].join("\n")).filter(
    (command) => !command.includes("--every"),
  );

  test("is found in the docs", () => {
    expect(new Set(commands.map((command) => command.split(" ")[0]))).toEqual(new Set(COMMANDS));
  });

  test("runs as shown", async () => {
    const env = {
      // years of candles would be fetched as shown; three days of two markets run the same code
      FALLBACK_START: since,
      SYMBOLS: "BTCUSDT,ETHUSDT",
      SYNC_INTERVALS: "1h",
      // the cluster that this machine may know is nobody's test; the cluster tests run the janitor
      HOME: "/nonexistent",
    };
    expect((await world.run("migrate", env)).code).toBe(0);
    for (const command of ["sync 1h", "maint"]) expect((await world.run(command, env)).code).toBe(0);
    for (const command of commands) {
      const isLong = /^backfill/.test(command) && !command.includes("--dry-run");
      const shown = isLong ? command.replace(/--from \S+/, `--from ${since}`) : command;
      const { code, stderr } = await runRunner(wordsOf(shown), world.env(env));
      const expected = command.startsWith("janitor") ? 78 : 0;
      expect([command, code, code === expected ? "" : stderr]).toEqual([command, expected, ""]);
    }
  }, 240_000);
});
