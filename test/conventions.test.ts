import { basename, dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { VERSION } from "../runner/src/contract/version.ts";
import { breaches, type File, files, runner, sources } from "./support/sources.ts";

const LONGEST_FILE = 250;

/** Comments, texts and regular expressions are no code: `any` and `process.exit` may stand in them. */
function codeOf(text: string): string {
  const token =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(?<=[=(,:;!&|?{}\n]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\/\w*/g;
  return text.replace(token, (found) => (/^["'`]/.test(found) ? '""' : " "));
}

describe("code", () => {
  /** `file:line` of every place in code (not in comments or texts) that matches. */
  const placesOf = (of: readonly File[], pattern: RegExp) =>
    of.flatMap(({ path, text }) => (pattern.test(codeOf(text)) ? [path] : []));

  test("reads process.env and calls process.exit in its two programs alone, as far as the runner goes", () => {
    const programs = ["runner/src/main.ts", "runner/src/alive.ts"];
    const others = runner.filter(({ path }) => !programs.includes(path));
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
    const self = "test/conventions.test.ts";
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

test("the version is the same in the contract, in every package.json and in the image", () => {
  const textOf = (path: string) => files.find((file) => file.path === path)?.text ?? "";
  const manifests = ["package.json", "runner/package.json", "infra/package.json"];
  expect(manifests.map((path) => JSON.parse(textOf(path)).version)).toEqual([VERSION, VERSION, VERSION]);
  expect(textOf("runner/Dockerfile")).toContain(`\nARG VERSION=${VERSION}\n`);
});
