import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { breaches, dependenciesOf, importsOf, infra, runner } from "./support/sources.ts";

const under = (...folders: readonly string[]) =>
  runner.filter(({ path }) => folders.some((folder) => path.startsWith(`runner/src/${folder}/`)));
const isIn = (target: string, ...folders: readonly string[]) =>
  folders.some((folder) => target.startsWith(`runner/src/${folder}/`));
const isPackage = (target: string, name: string) => target === name || target.startsWith(`${name}/`);
const SELECTOR = "runner/src/selector.ts";
const TIME = "runner/src/time.ts";
const NOUNS = [
  "sync",
  "verify",
  "export",
  "maint",
  "legacy",
  "health",
  "doctor",
  "backup",
  "restore",
  "seal",
  "scrub",
];
const isContract = (target: string) => isIn(target, "contract");
const isPlan = (path: string) => /^runner\/src\/.+-plan\.ts$/.test(path);
const isPure = (path: string) => isIn(path, "candle", "partition") || isPlan(path) || path === TIME;
/** The folder below runner/src that a path lies in, e.g. `maint` or `db/maint`. */
const folderOf = (path: string) => /^runner\/src\/(.+)\/[^/]+$/.exec(path)?.[1] ?? "";

/** Who asks how far a database is from the new layout, beside the mover itself (ADR 9). */
const SEES_STATE = /^runner\/src\/((db\/)?doctor|maint|seal|db\/schema|db\/backup)\//;

test("the rules see the tree and its imports", () => {
  expect(runner.length).toBeGreaterThan(40);
  const seen = runner.flatMap((file) => importsOf(file).map((target) => `${basename(file.path)} ${target}`));
  const known = [
    "main.ts commander",
    "main.ts runner/src/contract/exits.ts",
    "registry.ts runner/src/commands/sync.ts",
  ];
  expect(seen).toEqual(expect.arrayContaining(known));
  expect(seen.some((line) => line.startsWith("binance.ts ccxt/"))).toBe(true);
});

describe("imports", () => {
  test("the contract and the grammar of selectors import nothing", () => {
    expect(under("contract").length).toBeGreaterThan(5);
    expect(breaches(under("contract"), isContract)).toEqual([]);
    const selector = runner.filter(({ path }) => path === SELECTOR);
    expect(selector).toHaveLength(1);
    expect(breaches(selector, () => false)).toEqual([]);
  });

  test("infra sees only the contract of the runner and the grammar of selectors", () => {
    const shared = /^@r3a\/runner\/(contract\/\w+|selector)$/;
    expect(
      breaches(infra, (target) => !/^(runner\/|@r3a\/runner)/.test(target) || shared.test(target)),
    ).toEqual([]);
  });

  test("of infra, only the bridge, the program, the policy pack and one loader know Pulumi", () => {
    const known = /^infra\/(bridge|policy-pack)\/|^infra\/(programs\/program|settings\/pulumi-config)\.ts$/;
    const others = infra.filter(({ path }) => !known.test(path));
    expect(breaches(others, (target) => !isPackage(target, "@pulumi"))).toEqual([]);
    expect(breaches(others, (target) => !known.test(target))).toEqual([]);
  });

  test("of infra, only the constructs and what draws them know cdk8s", () => {
    const known = /^infra\/(constructs\/|(chart|render|programs\/synth-stacks)\.ts$)/;
    const others = infra.filter(({ path }) => !known.test(path));
    expect(breaches(others, (target) => !/^(cdk8s|constructs)/.test(target))).toEqual([]);
  });

  test("of infra, the folders stand on each other: settings, then the model, then rules and constructs", () => {
    const isBelow = (target: string, ...folders: readonly string[]) =>
      !target.startsWith("infra/") ||
      ["infra/errors.ts", "infra/manifest.ts"].includes(target) ||
      folders.some((folder) => target.startsWith(`infra/${folder}/`));
    for (const [folder, ...below] of [
      ["settings"],
      ["model", "settings"],
      ["rules", "model", "settings"],
      ["constructs", "model", "settings"],
    ] as const) {
      const own = infra.filter(({ path }) => path.startsWith(`infra/${folder}/`));
      expect(own.length).toBeGreaterThan(5);
      expect(breaches(own, (target) => isBelow(target, folder, ...below))).toEqual([]);
    }
  });

  test("a package that infra imports is one of its own dependencies", () => {
    const isOwn = (target: string) => /^(infra\/|node:)/.test(target);
    const names = dependenciesOf("infra");
    expect(
      breaches(infra, (target) => isOwn(target) || names.some((name) => isPackage(target, name))),
    ).toEqual([]);
  });

  test("candle, partition, time and every *-plan.ts are pure: each other and the contract, no package, no node:", () => {
    const pure = runner.filter(({ path }) => isPure(path));
    expect(pure.filter(({ path }) => isPlan(path)).length).toBeGreaterThan(6);
    expect(breaches(pure, (target) => isPure(target) || isContract(target))).toEqual([]);
    const isBelow = (target: string) => isContract(target) || target === TIME;
    expect(breaches(under("candle"), (target) => isIn(target, "candle") || isBelow(target))).toEqual([]);
    const isInOrBelow = (target: string) => isIn(target, "candle", "partition") || isBelow(target);
    expect(breaches(under("partition"), isInOrBelow)).toEqual([]);
  });

  test("db, exchange, cluster and store know neither each other nor what sits on them, but for the pure plans", () => {
    const above = [...NOUNS, "commands", "settings"];
    for (const [room, ...others] of [
      ["db", "exchange", "cluster", "store"],
      ["exchange", "db", "cluster", "store"],
      ["cluster", "db", "exchange", "store"],
      ["store", "db", "exchange", "cluster"],
    ] as const)
      expect(breaches(under(room), (target) => isPlan(target) || !isIn(target, ...others, ...above))).toEqual(
        [],
      );
  });

  test("archive, the form of what lies in a tier, knows nobody who writes or reads a backup", () => {
    expect(under("archive").length).toBeGreaterThan(10);
    const above = ["db", "exchange", "cluster", "store", ...NOUNS, "commands", "settings"];
    expect(breaches(under("archive"), (target) => !isIn(target, ...above))).toEqual([]);
  });

  test("db/NOUN is known to its noun alone, but for the state of the old layout", () => {
    const strangers = breaches(runner, (target, { path }) => {
      const noun = /^db\/(maint|health|doctor|legacy|restore)$/.exec(folderOf(target))?.[1];
      if (noun === undefined || isIn(path, noun, `db/${noun}`)) return true;
      return target === "runner/src/db/legacy/state.ts" && SEES_STATE.test(path);
    });
    expect(strangers).toEqual([]);
  });

  test("the mover of the old layout can be deleted: migrate-layout alone imports legacy", () => {
    const others = runner.filter(({ path }) => path !== "runner/src/commands/migrate-layout.ts");
    expect(breaches(others, (target, { path }) => !isIn(target, "legacy") || isIn(path, "legacy"))).toEqual(
      [],
    );
  });

  test("no noun knows another noun, but for doctor, which shows the results of health", () => {
    const sideways = NOUNS.flatMap((noun) => {
      const others = NOUNS.filter((other) => other !== noun && !(noun === "doctor" && other === "health"));
      return breaches(under(noun), (target) => !isIn(target, ...others));
    });
    const advice =
      "move what both nouns need to db, exchange, candle or partition, or let the command call both nouns";
    expect(sideways, advice).toEqual([]);
  });

  test("only exchange knows ccxt", () => {
    const others = runner.filter(({ path }) => !path.startsWith("runner/src/exchange/"));
    expect(breaches(others, (target) => !isPackage(target, "ccxt"))).toEqual([]);
  });

  test("only store knows the client of S3", () => {
    const others = runner.filter(({ path }) => !path.startsWith("runner/src/store/"));
    expect(breaches(others, (target) => !isPackage(target, "@aws-sdk"))).toEqual([]);
  });

  test("only db knows pg and node-pg-migrate", () => {
    const others = runner.filter(({ path }) => !path.startsWith("runner/src/db/"));
    expect(
      breaches(others, (target) => !isPackage(target, "pg") && !isPackage(target, "node-pg-migrate")),
    ).toEqual([]);
  });

  test("only db sends SQL, but for the question whether a server is there and the end of a transaction", () => {
    const sent = runner
      .filter(({ path }) => !path.startsWith("runner/src/db/"))
      .flatMap(({ path, text }) =>
        [...text.matchAll(/\bquery\b(?:<[^()]*>)?\(\s*([^)]*)\)/g)].map(([, sql]) => `${path} sends ${sql}`),
      );
    expect(sent.sort(), "put the statement into a function of runner/src/db, and call that").toEqual([
      'runner/src/health/measure.ts sends "select 1"',
      'runner/src/maint/refresh-last-ts.ts sends "commit"',
    ]);
  });

  test("only cluster knows the client of Kubernetes", () => {
    const others = runner.filter(({ path }) => !path.startsWith("runner/src/cluster/"));
    expect(breaches(others, (target) => !isPackage(target, "@kubernetes/client-node"))).toEqual([]);
  });

  test("no noun knows a command", () => {
    expect(breaches(under(...NOUNS), (target) => !isIn(target, "commands"))).toEqual([]);
  });

  test("a command knows no other command, but for the forms of its own", () => {
    const commands = under("commands").filter(({ path }) => !path.endsWith("/registry.ts"));
    const shared = "runner/src/commands/command.ts";
    // the forms of restore lie in a folder of its own
    const isForm = (target: string, path: string) =>
      isIn(target, "commands/restore") &&
      (path.endsWith("commands/restore.ts") || isIn(path, "commands/restore"));
    expect(
      breaches(
        commands,
        (target, { path }) => !isIn(target, "commands") || target === shared || isForm(target, path),
      ),
    ).toEqual([]);
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

  test("there are no circles, neither of code nor of types", () => {
    const graph = new Map([...runner, ...infra].map((file) => [file.path, importsOf(file)] as const));
    const circles: string[] = [];
    const done = new Set<string>();
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
      else if (!done.has(path)) for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
      done.add(path);
    };
    for (const path of graph.keys()) visit(path, []);
    expect(circles).toEqual([]);
  });
});
