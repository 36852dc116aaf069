import { exec, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../runner/src/contract/commands.ts";
import { commands, ROOT, shellLines, statements, wordsOf } from "../support/pages.ts";
import { runRunner } from "../support/runner.ts";
import { useWorld } from "../support/world.ts";

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
    const names = new Set(commands.map((command) => command.split(" ")[0]));
    // the word that stands for each of them
    names.delete("COMMAND");
    expect(names).toEqual(new Set(COMMANDS));
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
      // without a cluster, a tier and (64) an address of a new database or the leaf of the example; docs-recovery.test.ts restores, drill.test.ts drills
      const without = /^restore --all(?!.*--to )|^scrub --leaf/.test(command) ? 64 : 78;
      const isWithout =
        /^(janitor|backups?|restore(?! --(hold|resume))|drill)\b|^seal(?! --dry-run)|^scrub --leaf/;
      const expected = isWithout.test(command) ? without : 0;
      expect([command, code, code === expected ? "" : stderr]).toEqual([command, expected, ""]);
    }
    for (const statement of statements)
      await world.database.query(statement).catch((error: unknown) => {
        throw new Error(`${statement}: ${String(error)}`);
      });
  }, 240_000);
});
