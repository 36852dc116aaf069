import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { breaches, dependenciesOf, IMPORT, importsOf, infra, runner } from "./support/sources.ts";

const under = (...folders: readonly string[]) =>
  runner.filter(({ path }) => folders.some((folder) => path.startsWith(`runner/src/${folder}/`)));
const isIn = (target: string, ...folders: readonly string[]) =>
  folders.some((folder) => target.startsWith(`runner/src/${folder}/`));
const isPackage = (target: string, name: string) => target === name || target.startsWith(`${name}/`);
const CONTRACT = "runner/src/contract.ts";
const SELECTOR = "runner/src/selector.ts";

test("the rules see the tree and its imports", () => {
  expect(runner.length).toBeGreaterThan(40);
  const seen = runner.flatMap((file) => importsOf(file).map((target) => `${basename(file.path)} ${target}`));
  const known = ["main.ts commander", `main.ts ${CONTRACT}`, "registry.ts runner/src/commands/sync.ts"];
  expect(seen).toEqual(expect.arrayContaining(known));
  expect(seen.some((line) => line.startsWith("binance.ts ccxt/"))).toBe(true);
});

describe("imports", () => {
  test("the contract and the grammar of selectors import nothing", () => {
    const shared = runner.filter(({ path }) => path === CONTRACT || path === SELECTOR);
    expect(shared).toHaveLength(2);
    expect(breaches(shared, () => false)).toEqual([]);
  });

  test("infra sees only the contract of the runner and the grammar of selectors", () => {
    const shared = [CONTRACT, SELECTOR, "@r3a/runner/contract", "@r3a/runner/selector"];
    expect(
      breaches(infra, (target) => !/^(runner\/|@r3a\/runner)/.test(target) || shared.includes(target)),
    ).toEqual([]);
  });

  test("of infra, only the bridge, the program, the policy pack and one loader know Pulumi", () => {
    const known = /^infra\/(bridge|policy-pack)\/|^infra\/(program|settings\/pulumi-config)\.ts$/;
    const others = infra.filter(({ path }) => !known.test(path));
    expect(breaches(others, (target) => !isPackage(target, "@pulumi"))).toEqual([]);
    expect(breaches(others, (target) => !known.test(target))).toEqual([]);
  });

  test("of infra, only the constructs and what draws them know cdk8s", () => {
    const known = /^infra\/(constructs\/|(chart|render|synth-stacks)\.ts$)/;
    const others = infra.filter(({ path }) => !known.test(path));
    expect(breaches(others, (target) => !/^(cdk8s|constructs)/.test(target))).toEqual([]);
  });

  test("a package that infra imports is one of its own dependencies", () => {
    const isOwn = (target: string) => /^(infra\/|node:)/.test(target);
    const names = dependenciesOf("infra");
    expect(
      breaches(infra, (target) => isOwn(target) || names.some((name) => isPackage(target, name))),
    ).toEqual([]);
  });

  test("candle, partition and universe are pure: each other and the contract, no package, no node:", () => {
    const pure = under("candle", "partition", "universe");
    expect(
      breaches(pure, (target) => isIn(target, "candle", "partition", "universe") || target === CONTRACT),
    ).toEqual([]);
    expect(breaches(under("candle"), (target) => isIn(target, "candle") || target === CONTRACT)).toEqual([]);
  });

  test("db, exchange and cluster know neither each other nor what sits on them", () => {
    const above = ["sync", "maint", "legacy", "health", "doctor", "commands"];
    for (const [room, ...others] of [
      ["db", "exchange", "cluster"],
      ["exchange", "db", "cluster"],
      ["cluster", "db", "exchange"],
    ] as const)
      expect(breaches(under(room), (target) => !isIn(target, ...others, ...above))).toEqual([]);
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

  test("only cluster knows the client of Kubernetes", () => {
    const others = runner.filter(({ path }) => !path.startsWith("runner/src/cluster/"));
    expect(breaches(others, (target) => !isPackage(target, "@kubernetes/client-node"))).toEqual([]);
  });

  test("sync, maint, legacy, health and doctor know no command", () => {
    const rooms = under("sync", "maint", "legacy", "health", "doctor");
    expect(breaches(rooms, (target) => !isIn(target, "commands"))).toEqual([]);
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
    const names = dependenciesOf("runner");
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
