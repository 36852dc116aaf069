import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Not ours, or not in the repository. */
const SKIPPED = new Set(["node_modules", ".git", "dist", ".r3a", "coverage"]);
const TEXT =
  /\.(ts|js|json|md|sql|ya?ml|sh|toml|txt|html|tpl)$|^(Dockerfile|\.[a-z]+rc|\.editorconfig|\.git\w+|run)$/;
const LONGEST_FILE = 250;

type File = { readonly path: string; readonly text: string };

function listFiles(folder = ROOT): File[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (SKIPPED.has(entry.name)) return [];
    if (entry.isDirectory()) return listFiles(path);
    if (!entry.isFile() || !TEXT.test(entry.name)) return [];
    return [{ path: relative(ROOT, path).replaceAll("\\", "/"), text: readFileSync(path, "utf8") }];
  });
}

const files = listFiles();
const sources = files.filter(({ path }) => path.endsWith(".ts"));
const runner = sources.filter(({ path }) => path.startsWith("runner/"));

/** Comments, texts and regular expressions are no code: `any` and `process.exit` may stand in them. */
function codeOf(text: string): string {
  const token =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(?<=[=(,:;!&|?{}\n]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\/\w*/g;
  return text.replace(token, (found) => (/^["'`]/.test(found) ? '""' : " "));
}

const IMPORT =
  /^\s*(?:import|export)\b[^;"']*?\bfrom\s+["']([^"']+)["']|^\s*import\s+["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm;

/** What a file imports: paths from the root for our own files, package names for the rest. */
function importsOf({ path, text }: File): string[] {
  return [...text.matchAll(IMPORT)].map((match) => {
    const target = match[1] ?? match[2] ?? match[3] ?? "";
    if (!target.startsWith(".")) return target;
    const resolved = posix.join(posix.dirname(path), target);
    return resolved.replace(/^node_modules\//, "");
  });
}

/** Every import line that breaks the rule, as `file -> import`. */
function breaches(of: readonly File[], isAllowed: (target: string, file: File) => boolean): string[] {
  return of.flatMap((file) =>
    importsOf(file)
      .filter((target) => !isAllowed(target, file))
      .map((target) => `${file.path} -> ${target}`),
  );
}

const under = (...folders: readonly string[]) =>
  runner.filter(({ path }) => folders.some((folder) => path.startsWith(`runner/src/${folder}/`)));
const isIn = (target: string, ...folders: readonly string[]) =>
  folders.some((folder) => target.startsWith(`runner/src/${folder}/`));
const isPackage = (target: string, name: string) => target === name || target.startsWith(`${name}/`);
const CONTRACT = "runner/src/contract.ts";

test("the rules see the tree and its imports", () => {
  expect(runner.length).toBeGreaterThan(40);
  const seen = runner.flatMap((file) => importsOf(file).map((target) => `${basename(file.path)} ${target}`));
  const known = ["main.ts commander", `main.ts ${CONTRACT}`, "registry.ts runner/src/commands/sync.ts"];
  expect(seen).toEqual(expect.arrayContaining(known));
  expect(seen.some((line) => line.startsWith("binance.ts ccxt/"))).toBe(true);
});

describe("imports", () => {
  test("the contract imports nothing", () => {
    const contract = runner.filter(({ path }) => path === CONTRACT);
    expect(contract).toHaveLength(1);
    expect(breaches(contract, () => false)).toEqual([]);
  });

  test("infra sees only the contract of the runner", () => {
    const infra = sources.filter(({ path }) => path.startsWith("infra/"));
    expect(
      breaches(
        infra,
        (target) =>
          !/^(runner\/|@r3a\/runner)/.test(target) ||
          target === CONTRACT ||
          target === "@r3a/runner/contract",
      ),
    ).toEqual([]);
  });

  test("candle, partition and universe are pure: each other and the contract, no package, no node:", () => {
    const pure = under("candle", "partition", "universe");
    expect(
      breaches(pure, (target) => isIn(target, "candle", "partition", "universe") || target === CONTRACT),
    ).toEqual([]);
    expect(breaches(under("candle"), (target) => isIn(target, "candle") || target === CONTRACT)).toEqual([]);
  });

  test("db and exchange know neither each other nor what sits on them", () => {
    expect(breaches(under("db"), (target) => !isIn(target, "exchange", "sync", "commands"))).toEqual([]);
    expect(breaches(under("exchange"), (target) => !isIn(target, "db", "sync", "commands"))).toEqual([]);
  });

  test("only exchange knows ccxt", () => {
    const others = runner.filter(({ path }) => !path.startsWith("runner/src/exchange/"));
    expect(breaches(others, (target) => !isPackage(target, "ccxt"))).toEqual([]);
  });

  test("only db knows pg and node-pg-migrate", () => {
    const others = runner.filter(({ path }) => !path.startsWith("runner/src/db/"));
    expect(
      breaches(others, (target) => !isPackage(target, "pg") && !isPackage(target, "node-pg-migrate")),
    ).toEqual([]);
  });

  test("sync knows no command", () => {
    expect(breaches(under("sync"), (target) => !isIn(target, "commands"))).toEqual([]);
  });

  test("a command knows no other command, but for plan, which previews two, and the registry", () => {
    const commands = under("commands").filter(({ path }) => !/\/(plan|registry)\.ts$/.test(path));
    const shared = "runner/src/commands/command.ts";
    expect(breaches(commands, (target) => !isIn(target, "commands") || target === shared)).toEqual([]);
    const plan = under("commands").filter(({ path }) => path.endsWith("/plan.ts"));
    const known = ["backfill", "command", "sync"].map((name) => `runner/src/commands/${name}.ts`);
    expect(breaches(plan, (target) => !isIn(target, "commands") || known.includes(target))).toEqual([]);
  });

  test("nothing below imports main, and only main and the registry import commands", () => {
    const shared = "runner/src/commands/command.ts";
    const others = runner.filter(
      ({ path }) => !path.startsWith("runner/src/commands/") && path !== "runner/src/main.ts",
    );
    expect(
      breaches(others, (target) => !isIn(target, "commands") && target !== "runner/src/main.ts"),
    ).toEqual([]);
    const main = runner.filter(({ path }) => path === "runner/src/main.ts");
    const allowed = [shared, "runner/src/commands/registry.ts"];
    expect(breaches(main, (target) => !isIn(target, "commands") || allowed.includes(target))).toEqual([]);
  });

  test("the runner imports nothing of infra, dev, test or bench", () => {
    expect(breaches(runner, (target) => !/^(infra|dev|test|bench)\//.test(target))).toEqual([]);
  });

  test("a package that the runner imports is one of its own dependencies", () => {
    const manifest: { dependencies: Record<string, string> } = JSON.parse(
      readFileSync(join(ROOT, "runner/package.json"), "utf8"),
    );
    const names = Object.keys(manifest.dependencies);
    const isOwn = (target: string) => target.startsWith("runner/") || target.startsWith("node:");
    expect(
      breaches(runner, (target) => isOwn(target) || names.some((name) => isPackage(target, name))),
    ).toEqual([]);
  });

  test("there are no circles of values: types may point back, code may not", () => {
    const isTypeOnly = /^\s*(?:import|export)\s+type\b/;
    const graph = new Map(
      runner.map((file) => {
        const text = file.text.replace(IMPORT, (line) =>
          isTypeOnly.test(line) || line.includes("import(") ? "" : line,
        );
        return [file.path, importsOf({ ...file, text })] as const;
      }),
    );
    const circles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
      else for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    };
    for (const path of graph.keys()) visit(path, []);
    expect(circles).toEqual([]);
  });
});

describe("code", () => {
  /** `file:line` of every place in code (not in comments or texts) that matches. */
  const placesOf = (of: readonly File[], pattern: RegExp) =>
    of.flatMap(({ path, text }) => (pattern.test(codeOf(text)) ? [path] : []));

  test("reads process.env and calls process.exit in main alone, as far as the runner goes", () => {
    const others = runner.filter(({ path }) => path !== "runner/src/main.ts");
    expect(placesOf(others, /\bprocess\s*\.\s*(env|exit|exitCode|argv|stdin|on|once)\b/)).toEqual([]);
    expect(breaches(others, (target) => target !== "node:process" && target !== "process")).toEqual([]);
  });

  test("has no any", () => {
    expect(placesOf(sources, /[:<|&,]\s*any\b(?!\s*[.(])|\bas\s+any\b|\bany\[\]/)).toEqual([]);
    expect(placesOf([{ path: "x", text: "const a = (b: any) => b" }], /[:<|&,]\s*any\b(?!\s*[.(])/)).toEqual([
      "x",
    ]);
  });

  test("has no default export but the one that vitest demands", () => {
    const isDefault = /^\s*export\s+default\b|\bas\s+default\b/m;
    expect(placesOf(sources, isDefault)).toEqual(["vitest.config.ts"]);
  });

  test("passes over no check with a comment", () => {
    const isMuted = /@ts-(ignore|nocheck)|biome-ignore|eslint-disable/;
    const self = "test/architecture.test.ts";
    expect(
      sources.filter(({ path, text }) => path !== self && isMuted.test(text)).map(({ path }) => path),
    ).toEqual([]);
  });

  test("has classes for errors alone", () => {
    const isClass = /\bclass\s+\w+(?!\s+extends\s+Error\b)\s*(extends|\{)/;
    expect(
      placesOf(
        sources.filter(({ path }) => !path.startsWith("infra/")),
        isClass,
      ),
    ).toEqual([]);
  });
});

describe("files", () => {
  test(`have at most ${LONGEST_FILE} lines`, () => {
    const long = sources
      .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
      .filter(({ lines }) => lines > LONGEST_FILE);
    expect(long).toEqual([]);
  });

  test("are named in kebab-case, after what they hold", () => {
    const names = sources.map(({ path }) => basename(path));
    expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|config|d))?\.ts$/.test(name))).toEqual(
      [],
    );
    const vague = /^(utils?|helpers?|index|common|misc|shared|lib|types|constants|manager)$/;
    const parts = sources.flatMap(({ path }) => [basename(path, ".ts"), ...dirname(path).split("/")]);
    expect(parts.filter((part) => vague.test(part))).toEqual([]);
  });

  test("name no registry, no machine and no secret", () => {
    // put together here, so that this file does not name them either
    const host = new RegExp(["registry", "(npmjs|npm|yarnpkg)"].join("\\."));
    const machine = new RegExp(`(^|[^\\w.~-])/(${["wo" + "rk", "ro" + "ot"].join("|")})/`, "m");
    const key = new RegExp(["BEGIN [A-Z ]*PRIVATE", "KEY"].join(" "));
    const named = files.filter(({ text }) => [host, machine, key].some((pattern) => pattern.test(text)));
    expect(named.map(({ path }) => path)).toEqual([]);
  });
});
