import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { copyProject, ROOT, runIn } from "../support/pulumi/project.ts";

/** `npm run synth` and `npm run diff` lines of the guides and the README, each once, without their remarks. */
const shown = ["docs/deploy.md", "docs/quick-reference.md", "README.md"]
  .map((name) => readFileSync(join(ROOT, name), "utf8"))
  .flatMap((text) => [...text.matchAll(/npm run ((?:synth|diff)(?: -- [\w -]+)?)(?=[`\s]|$)/gm)])
  .map(([, command = ""]) => command.trim());
const commands = [...new Set(shown)];

describe("what the guide shows runs in a clone", () => {
  let dir = "";
  const git = (...args: readonly string[]) =>
    runIn(dir, ["git", "-c", "user.name=a", "-c", "user.email=a@b", ...args]);
  const npm = (line: string) => runIn(dir, ["npm", "run", "--silent", ...line.split(" ")]);

  beforeAll(async () => {
    dir = copyProject();
    writeFileSync(join(dir, ".gitignore"), "node_modules\ndist\n");
    for (const args of [
      ["init", "-q", "-b", "main"],
      ["add", "."],
      ["commit", "-q", "-m", "a"],
    ])
      expect((await git(...args)).code).toBe(0);
  });

  test("with every synth and diff that is there", async () => {
    expect(commands).toEqual(
      expect.arrayContaining(["synth", "synth -- --stack prod", "diff", "diff -- main"]),
    );
    for (const command of commands) expect([command, (await npm(command)).code]).toEqual([command, 0]);
  });

  test("diff shows the one field of the one object that a setting changes, per environment", async () => {
    expect((await npm("diff")).stdout).toBe("dev: no change\nprod: no change\n");
    const file = join(dir, "Pulumi.prod.yaml");
    writeFileSync(file, `${readFileSync(file, "utf8")}  r3a:jobs: { verify: { schedule: "50 3 * * *" } }\n`);
    expect((await npm("diff")).stdout).toBe(
      'dev: no change\nprod:\n  ~ CronJob r3a/r3a-verify\n      spec.schedule: "40 3 * * *" -> "50 3 * * *"\n',
    );
    expect(JSON.parse((await npm("diff -- --json")).stdout)).toMatchObject({
      version: 1,
      command: "diff",
      stacks: { dev: [], prod: [{ change: "changed" }] },
    });
    expect((await git("worktree", "list")).stdout.trim().split("\n")).toHaveLength(1);
  });

  test("diff says which commit it does not know, and which side cannot be rendered", async () => {
    expect(await npm("diff -- no-such-ref")).toMatchObject({ code: 64, stdout: "" });
    writeFileSync(join(dir, "Pulumi.prod.yaml"), "config:\n  r3a:nope: 1\n");
    const { code, stderr } = await npm("diff");
    expect([code, stderr]).toEqual([1, expect.stringContaining("the working tree cannot be rendered")]);
    expect(stderr).toContain("Pulumi.prod.yaml: r3a:nope");
  });
});
