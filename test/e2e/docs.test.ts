import { exec, spawn } from "node:child_process";
import { once } from "node:events";
import { access, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { listStale, renderPages } from "../../dev/docs/main.ts";
import { REGISTRY } from "../../runner/src/commands/registry.ts";
import { COMMANDS } from "../../runner/src/contract/commands.ts";
import { runRunner } from "../support/runner.ts";
import { useWorld } from "../support/world.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const read = (name: string) => readFile(join(ROOT, name), "utf8");
const PAGES = [
  "README.md",
  "docs/commands.md",
  "docs/operations.md",
  "docs/quick-reference.md",
  "docs/deploy.md",
  "docs/database.md",
  "docs/data.md",
  "CONTRIBUTING.md",
];
const texts = await Promise.all(PAGES.map(read));
const [readme = ""] = texts;
const scripts = Object.keys((JSON.parse(await read("package.json")) as { scripts: object }).scripts);

type Block = { readonly page: string; readonly language: string; readonly text: string };
const blocks: readonly Block[] = texts.flatMap((text, index) =>
  [...text.matchAll(/^ *```(\w*)\n([\s\S]*?)^ *```$/gm)].map(([, language = "", inside = ""]) => ({
    page: PAGES[index] ?? "",
    language,
    text: inside,
  })),
);
/** The lines of the shell blocks, without remarks. A block with a drawing in it is none. */
const shellLines = blocks
  .filter(({ language, text }) => ["", "sh", "bash"].includes(language) && !text.includes("──"))
  .flatMap(({ page, text }) =>
    text
      .replaceAll("\\\n", "")
      .split("\n")
      .map((line) => ({ page, line: line.replace(/ {2,}#.*| > \S+$/, "").trim() })),
  )
  // the reference is the help of each command, of which the examples alone are lines to run
  .filter(({ page, line }) => line !== "" && (page !== "docs/commands.md" || line.startsWith("r3a ")));
const inline = texts.flatMap((text) => [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code));

const RUNNER = /^(?:[A-Z_]+=\S+ )*(?:npm start --|npm run runner --|(?:\.\/)?r3a) (.+)$/;
/** What `./r3a` has beside the commands of the runner; program.test.ts and test/slow/local-database.test.ts run them. */
const OF_CLONE = /^(db|db reset|--help|--version)$|--simulated\b/;
/** Other programs, which the cluster tests run, or whose account nobody has here. */
const OTHERS =
  /^(?:[A-Z][A-Z0-9_]*=\S+ )*(?:kubectl|pulumi|helm|docker |pip install |export [A-Z_]+=|npm (ci|link)$|read -rs TOKEN$|printf '\{"auths"|npm test\b|npm start$|npm run test:e2e)/;

/** Runner commands in the blocks and in code between words, each once. */
const commands = [
  ...new Set(
    [
      ...shellLines.map(({ line }) => line),
      ...inline.filter((code) => /^(npm |\.\/r3a )/.test(code)),
    ].flatMap((line) => RUNNER.exec(line)?.[1] ?? []),
  ),
].filter((command) => command !== "COMMAND" && !command.includes("--every") && !OF_CLONE.test(command));
/** One statement each; a capital word stands for what only the reader knows. */
const statements = [
  ...blocks.filter(({ language }) => language === "sql").flatMap(({ text }) => text.trim().split(/;\s*/)),
  ...inline.filter((code) => /^select /i.test(code) && !/\b[A-Z]{3,}\b/.test(code)),
].filter((statement) => statement !== "");

/** As a shell splits them, as far as the docs go. */
function wordsOf(command: string): readonly string[] {
  return (command.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^(['"])(.*)\1$/, "$2"));
}

test("the pages that are made from the code are what the code says, and an old one is found", async () => {
  const pages = await renderPages();
  expect(await listStale(ROOT, pages)).toEqual([]);
  const old = await mkdtemp(join(tmpdir(), "r3a-docs-"));
  await cp(join(ROOT, "docs"), join(old, "docs"), { recursive: true });
  await writeFile(join(old, "Pulumi.yaml"), `${await read("Pulumi.yaml")}# by hand\n`);
  expect(await listStale(old, pages)).toEqual(["Pulumi.yaml"]);
  await rm(old, { recursive: true });
});

test("the README's table names every command with its summary", () => {
  const rows = [...readme.matchAll(/^\| `([a-z-]+)[^|]*\| (.+) \|$/gm)].map(([, name, summary]) => [
    name,
    summary?.replaceAll("`", ""),
  ]);
  const expected = COMMANDS.map((name) => [name, REGISTRY[name].summary]);
  expect(rows.filter(([name]) => COMMANDS.some((known) => known === name))).toEqual(expected);
});

test("every line of a shell block is a command that there is", () => {
  const isKnown = (line: string) => {
    const words = RUNNER.exec(line)?.[1];
    if (words !== undefined && OF_CLONE.test(words)) return true;
    const command = words?.split(" ")[0];
    if (command !== undefined) return command === "COMMAND" || COMMANDS.some((name) => name === command);
    const script = /^(?:\w+=\S+ )*npm run (\S+)/.exec(line)?.[1];
    if (script === "runner") return line === "npm run runner --"; // the words before a command, in prose
    return scripts.includes(script ?? "") || line.startsWith("npx ") || OTHERS.test(line);
  };
  expect(shellLines.filter(({ line }) => !isKnown(line))).toEqual([]);
  expect(inline.filter((code) => /^(npm |\.\/r3a )/.test(code) && !isKnown(code))).toEqual([]);
});

test("every file that CONTRIBUTING.md names is there", async () => {
  const named = [...(texts.at(-1) ?? "").matchAll(/`((?:\.?[\w-]+\/)+[\w.-]*|\.ci\/run)`/g)].map(
    ([, path = ""]) => path,
  );
  const isThere = await Promise.all(
    named.map((path) =>
      access(join(ROOT, path)).then(
        () => true,
        () => false,
      ),
    ),
  );
  expect(named.filter((path, index) => !isThere[index] && !/NAME|NNN/.test(path))).toEqual([]);
  expect(named.length).toBeGreaterThan(25);
});

describe("what CONTRIBUTING.md starts by npx", () => {
  const lines = shellLines.flatMap(({ line }) => (line.startsWith("npx ") ? [line] : []));
  const env = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/" };

  test.each(lines.filter((line) => line.startsWith("npx vitest")))("%s passes", async (line) => {
    const { stdout } = await promisify(exec)(line, { cwd: ROOT, env });
    expect(stdout).toMatch(/Tests .*[1-9]\d* passed/);
  });

  test.each(lines.filter((line) => line.startsWith("npx node")))("%s waits for a debugger", async (line) => {
    const child = spawn(process.execPath, wordsOf(line.replace("-brk", "-brk=0")).slice(2), {
      cwd: ROOT,
      env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const [said] = await once(child.stderr, "data");
    expect(String(said)).toContain("Debugger listening on");
    child.kill("SIGKILL");
    await once(child, "close");
  });

  test("is each of them", () => {
    expect(lines.filter((line) => !/^npx (vitest run|node) /.test(line))).toEqual([]);
    expect(lines).toHaveLength(3);
  });
});

test("every name that health ends a row with is explained", async () => {
  const source = await read("runner/src/health/report.ts");
  const names = new Set([...source.matchAll(/"(Ohlcv\w+)"/g)].map(([, name]) => name));
  expect([...names].filter((name) => !texts[2]?.includes(`| \`${name}\` |`))).toEqual([]);
  expect(names.size).toBeGreaterThan(5);
});

describe("every command and statement that the docs show", () => {
  const world = useWorld({ symbols: 20 });
  const since = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);
  const env = {
    // years of candles would be fetched as shown; three days of two markets run the same code
    FALLBACK_START: since,
    SYMBOLS: "BTCUSDT,ETHUSDT",
    // the cluster that this machine may know is nobody's test; the cluster tests run the janitor
    HOME: "/nonexistent",
  };

  test("is found in the docs", () => {
    expect(new Set(commands.map((command) => command.split(" ")[0]))).toEqual(new Set(COMMANDS));
    expect(statements.length).toBeGreaterThan(8);
  });

  test("runs as shown", async () => {
    // health, the first in the guide, looks at what they leave
    for (const command of ["migrate", "sync 1m", "sync 15m", "sync 1h", "sync 4h", "sync 1d", "maint"])
      expect([command, (await world.run(command, env)).code]).toEqual([command, 0]);
    for (const command of commands) {
      const isLong = /^backfill/.test(command) && !command.includes("--dry-run");
      const shown = isLong ? command.replace(/--from \S+/, `--from ${since}`) : command;
      const { code, stderr } = await runRunner(wordsOf(shown), world.env(env));
      const expected = command.startsWith("janitor") ? 78 : 0;
      expect([command, code, code === expected ? "" : stderr]).toEqual([command, expected, ""]);
    }
    for (const statement of statements)
      await world.database.query(statement).catch((error: unknown) => {
        throw new Error(`${statement}: ${String(error)}`);
      });
  }, 240_000);
});
