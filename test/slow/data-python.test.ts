import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lackOfPython, preparePython } from "../support/python/venv.ts";
import { useWorld } from "../support/world.ts";

const page = await readFile(new URL("../../docs/data.md", import.meta.url), "utf8");
const programs = [...page.matchAll(/^```python\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text);
const lack = lackOfPython();
if (lack !== null) process.stderr.write(`NOT RUN: the Python programs of docs/data.md; ${lack}\n`);

/** A program that ends need not close the connections of its pool. */
const WARNINGS = ["-W", "error", "-W", "ignore::ResourceWarning"];

test("the page has a program for each library", () => {
  for (const name of ["pandas", "polars", "duckdb"])
    expect(
      programs.filter((text) => text.includes(`import ${name}`)),
      name,
    ).not.toEqual([]);
});

describe.skipIf(lack !== null)("each program of docs/data.md", () => {
  const world = useWorld({ symbols: 5 });
  let python = "";
  let folder = "";

  beforeAll(async () => {
    python = await preparePython();
    folder = await mkdtemp(join(tmpdir(), "r3a-python-"));
    const since = new Date(Date.now() - 8 * 86_400_000).toISOString().slice(0, 10);
    const env = { SYMBOLS: "BTCUSDT,ETHUSDT", FALLBACK_START: since };
    for (const interval of ["1m", "1h"]) {
      const { code, stderr } = await world.run(`sync ${interval}`, env);
      expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
    }
    const { stdout } = await world.run("candles BTCUSDT 1h --last 168 --format csv");
    await writeFile(join(folder, "BTCUSDT-1h.csv"), stdout);
  }, 600_000);

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  test.each(programs.map((text) => [/import (duckdb|polars|pandas)/.exec(text)?.[1], text] as const))(
    "of %s runs as shown, without a warning",
    async (_, text) => {
      const { stdout, stderr } = await promisify(execFile)(python, [...WARNINGS, "-c", text], {
        cwd: folder,
        env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/", DB_URL: world.database.url },
      });
      expect(stderr).toBe("");
      expect(stdout).toMatch(/BTCUSDT|20\d\d-\d\d-\d\d/);
    },
    120_000,
  );

  test("of DuckDB writes a Parquet file", async () => {
    expect((await stat(join(folder, "BTCUSDT-1h.parquet"))).size).toBeGreaterThan(1_000);
  });
});
