import { access, cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listStale, renderPages } from "../../dev/docs/main.ts";
import { REGISTRY } from "../../runner/src/commands/registry.ts";
import { COMMANDS } from "../../runner/src/contract/commands.ts";
import {
  inline,
  OF_CLONE,
  OTHERS,
  ROOT,
  RUNNER,
  read,
  scripts,
  shellLines,
  texts,
} from "../support/pages.ts";

const [readme = ""] = texts;

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

test("every name that health ends a row with is explained", async () => {
  const source = await read("runner/src/health/report.ts");
  const names = new Set([...source.matchAll(/"(Ohlcv\w+)"/g)].map(([, name]) => name));
  expect([...names].filter((name) => !texts[2]?.includes(`| \`${name}\` |`))).toEqual([]);
  expect(names.size).toBeGreaterThan(5);
});
