import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { loadStack } from "../../infra/model/load.ts";
import { renderObjects } from "../../infra/render.ts";
import { listStacks } from "../../infra/settings/stack-files.ts";
import { copyProject, ROOT, runIn } from "../support/pulumi/project.ts";

const synth = (cwd: string, args: readonly string[] = [], env = {}) =>
  runIn(cwd, [process.execPath, "infra/programs/synth.js", ...args], env);
const read = (dir: string, stack: string) => readFileSync(join(dir, "dist", stack, "r3a.yaml"), "utf8");

test("two folders, two zones, two locales: the same bytes, and no name of the folder in them", async () => {
  const [one, two] = [copyProject(), copyProject()];
  const ends = await Promise.all([
    synth(one, [], { TZ: "Pacific/Kiritimati", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" }),
    synth(two, [], { TZ: "America/Los_Angeles", LANG: "C", LC_ALL: "C" }),
  ]);
  expect(ends.map(({ code }) => code)).toEqual([0, 0]);
  for (const stack of listStacks(ROOT)) {
    expect(read(one, stack)).toBe(read(two, stack));
    expect(read(one, stack)).not.toContain(basename(one));
    // the objects of the chart, each once, the namespace first
    const documents = parseAllDocuments(read(one, stack)).map((document) => document.toJS());
    expect(documents).toEqual(renderObjects(loadStack(ROOT, stack)));
    expect(documents[0].kind).toBe("Namespace");
  }
});

test("cdk8s synth writes the same files", async () => {
  const dir = copyProject();
  await synth(dir);
  const ours = listStacks(ROOT).map((stack) => read(dir, stack));
  rmSync(join(dir, "dist"), { recursive: true });
  const cli = join(ROOT, "node_modules/cdk8s-cli/bin/cdk8s");
  const { code, stderr } = await runIn(dir, [process.execPath, cli, "synth", "--check-upgrade", "false"]);
  expect(code, stderr).toBe(0);
  expect(listStacks(ROOT).map((stack) => read(dir, stack))).toEqual(ours);
});

describe("the command", () => {
  let dir = "";
  beforeAll(() => {
    dir = copyProject();
  });

  test("writes one environment with --stack, and knows no other", async () => {
    expect((await synth(dir, ["--stack", "prod"])).code).toBe(0);
    expect(readdirSync(join(dir, "dist"))).toEqual(["prod"]);
    expect(await synth(dir, ["--stack", "moon"])).toMatchObject({
      code: 64,
      stderr: "no Pulumi.moon.yaml here; stacks are dev, prod\n",
    });
  });

  test("warns of the digest that nobody has released, only in prod", async () => {
    const { code, stderr } = await synth(dir);
    expect(code).toBe(0);
    expect(stderr).toBe(
      "warn: Pulumi.prod.yaml: r3a:imageDigest: all zeros, so no pod can start; set it to the digest of a release\n",
    );
  });

  test("prints every fault of a stack with file, key and remedy, ends with 78 and writes no file", async () => {
    writeFileSync(
      join(dir, "Pulumi.bad.yaml"),
      [
        "config:",
        "  r3a:universSize: 9",
        "  r3a:imageTag: latest",
        "  r3a:dbUrl: postgresql://someone:canary-of-synth@db/r3a",
        '  r3a:janitorProtectedSelectors: ["app in ("]',
        "  r3a:jobs:",
        '    sync-15m: { schedule: "*/15 * * *" }',
        "    sync-1h: { activeDeadlineSeconds: 4000 }",
        "",
      ].join("\n"),
    );
    const { code, stdout, stderr } = await synth(dir, ["--stack", "bad"]);
    expect(code).toBe(78);
    expect(stdout).toBe("");
    for (const key of [
      "universSize: unknown; did you mean universeSize?",
      "imageTag: ",
      "dbUrl: ",
      "janitorProtectedSelectors",
      "jobs.sync-15m.schedule: ",
      "jobs.sync-1h.activeDeadlineSeconds: ",
    ])
      expect(stderr).toContain(`Pulumi.bad.yaml: r3a:${key}`);
    expect(stderr).toContain("pulumi config set --secret");
    expect(stderr).not.toContain("canary-of-synth");
    expect(readdirSync(join(dir, "dist"))).not.toContain("bad");
    rmSync(join(dir, "Pulumi.bad.yaml"));
  });
});
