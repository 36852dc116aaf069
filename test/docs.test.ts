import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { renderCommands } from "../dev/docs.ts";
import { REGISTRY } from "../runner/src/commands/registry.ts";
import { COMMANDS } from "../runner/src/contract.ts";
import { useWorld } from "./support/world.ts";

const read = (name: string) => readFile(fileURLToPath(new URL(`../${name}`, import.meta.url)), "utf8");
const readme = await read("README.md");
const reference = await read("docs/commands.md");

/** Commands of the runner in the code blocks and help examples of a page, each once. */
function listCommands(text: string): readonly string[] {
  const found = [...text.matchAll(/^ *(?:npm start --|npm run runner --|runner) ((?:[a-z]+)[^\n]*)$/gm)].map(
    ([, command]) => command ?? "",
  );
  return [...new Set(found)].filter((command) => COMMANDS.some((name) => command.split(" ")[0] === name));
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
  const commands = listCommands(`${readme}\n${reference}`).filter((command) => !command.includes("--every"));

  test("is found in the docs", () => {
    expect(new Set(commands.map((command) => command.split(" ")[0]))).toEqual(new Set(COMMANDS));
  });

  test("runs as shown", async () => {
    // years of candles would be fetched as shown; three days run the same code
    const env = { FALLBACK_START: since };
    expect((await world.run("migrate", env)).code).toBe(0);
    for (const symbol of ["BTCUSDT", "ETHUSDT"])
      expect((await world.run(`sync 1h --symbols ${symbol}`, env)).code).toBe(0);
    for (const command of commands) {
      const isLong = /^backfill/.test(command) && !command.includes("--dry-run");
      const { code, stderr } = await world.run(
        isLong ? command.replace(/--from \S+/, `--from ${since}`) : command,
        env,
      );
      expect([command, code, code === 0 ? "" : stderr]).toEqual([command, 0, ""]);
    }
  }, 120_000);
});
