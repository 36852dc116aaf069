import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folder.ts";
import { expectResult } from "../support/result-json.ts";
import { runRunner } from "../support/runner.ts";

type Step = { readonly name: string; readonly status: string; readonly output: string };
type Checked = {
  readonly tiers: readonly {
    readonly tier: string;
    readonly status: string;
    readonly steps: readonly Step[];
  }[];
};

let folder: string;
beforeEach(() => {
  folder = join(temporaryFolder(), "hot");
  mkdirSync(folder, { mode: 0o700 });
});

/** `backup check` needs neither the database nor a key. */
const run = (args: string, env: Readonly<Record<string, string>> = {}) =>
  runRunner(`backup check ${args}`.trim().split(" "), { BACKUP_HOT: `file://${folder}`, ...env });

async function check(exit: number, env: Readonly<Record<string, string>> = {}): Promise<Checked["tiers"]> {
  const ended = await run("--json", env);
  expect(ended.code, ended.stderr).toBe(exit);
  return (expectResult(ended) as unknown as Checked).tiers;
}

const filesBelow = (path: string) =>
  readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());

describe("a folder", () => {
  test("is written, read and compared; that this user may delete is said, and nothing stays", async () => {
    const [hot] = await check(0);
    expect(hot).toMatchObject({ tier: "hot", status: "warn" });
    expect(hot?.steps.map(({ name, status }) => [name, status])).toEqual([
      ["list", "pass"],
      ["write", "pass"],
      ["read", "pass"],
      ["overwrite", "pass"],
      ["rights", "pass"],
      ["room", expect.stringMatching(/pass|warn/)],
      ["delete", "warn"],
    ]);
    expect(filesBelow(folder)).toEqual([]);
    const text = await run("");
    expect([text.code, text.stdout]).toEqual([
      0,
      expect.stringMatching(/hot \(file:[\s\S]*! warn +delete +who writes backups there may delete them too/),
    ]);
  });

  test("with --dry-run is named, and nothing is written", async () => {
    const plan = await run("--dry-run");
    expect([plan.code, plan.stdout]).toEqual([
      0,
      expect.stringContaining(`hot (file://${folder}): a small object`),
    ]);
    expectResult(await run("--dry-run --json"));
    expect(readdirSync(folder)).toEqual([]);
  });

  test("that other users may look into is a warning", async () => {
    chmodSync(folder, 0o755);
    const [hot] = await check(0);
    expect(hot?.steps.find(({ name }) => name === "rights")).toMatchObject({
      status: "warn",
      output: expect.stringContaining(`mode 755): chmod 700 ${folder}`),
    });
  });

  test("that does not exist is exit 78, and the other tier is checked all the same", async () => {
    const away = { BACKUP_WARM: `file://${folder}-away` };
    const [hot, warm] = await check(78, away);
    expect(hot?.status).toBe("warn");
    expect(warm?.steps).toMatchObject([
      { name: "list", status: "fail", output: expect.stringContaining("does not exist") },
    ]);
  });

  test("where an object cannot be written is exit 78, and what depends on it is not tried", async () => {
    writeFileSync(join(folder, "probes"), "a file where a folder must be");
    const [hot] = await check(78);
    expect(hot?.steps).toMatchObject([
      { name: "list", status: "pass" },
      { name: "write", status: "fail", output: expect.stringContaining("a link or a file stands where") },
    ]);
  });

  test("is rid of the probes of checks that were killed, and of nothing else", async () => {
    mkdirSync(join(folder, "probes"), { mode: 0o700 });
    const probe = (at: number) => join(folder, "probes", `${at}-${crypto.randomUUID()}.txt`);
    const [old, fresh, other] = [
      probe(Date.now() - 2 * 3_600_000),
      probe(Date.now()),
      join(folder, "probes", "mine.txt"),
    ];
    for (const path of [old, fresh, other]) writeFileSync(path, "x");
    await check(0);
    expect([old, fresh, other].map((path) => existsSync(path))).toEqual([false, true, true]);
  });
});

test("wrong arguments are named together, and a tier must be set", async () => {
  const wrong = await runRunner(["backup", "chek", "--delta"], {});
  expect([wrong.code, wrong.stderr]).toEqual([
    64,
    expect.stringMatching(/not "chek"[\s\S]*check and --delta/),
  ]);
  const none = await run("", { BACKUP_HOT: "" });
  expect([none.code, none.stderr]).toEqual([78, expect.stringContaining("no tier is set")]);
});
