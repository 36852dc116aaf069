import { execFile } from "node:child_process";
import { readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { buildRunner, NODE_FLAGS } from "../../dev/build.ts";
import { type Container, podOf } from "../../infra/rules/pod.ts";
import { ALIVE } from "../../runner/src/contract/heartbeat.ts";
import { temporaryFolder } from "../support/folder.ts";
import { ROOT } from "../support/pulumi/project.ts";
import { render } from "../support/render.ts";

type Probe = {
  readonly exec: { readonly command: readonly string[] };
  readonly periodSeconds: number;
  readonly failureThreshold: number;
};
type Runner = Container & {
  readonly args: readonly string[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
};

/** Each minute sync as a Deployment. */
const pods = ["sync-1m-top", "sync-1m"].map((name) => {
  const objects = render({ jobs: { [name]: { runMode: "deployment" } } });
  const deployment = objects.find(({ kind }) => kind === "Deployment");
  const spec = deployment === undefined ? undefined : podOf(deployment)?.spec;
  const runner = spec?.containers?.[0] as Runner;
  return {
    name,
    spec,
    runner,
    env: Object.fromEntries(runner.env?.map((each) => [each.name, each.value]) ?? []),
  };
});

describe.each(pods)("the Deployment of $name", ({ name, spec, runner, env }) => {
  test("has the image's own probe, at its start and later", () => {
    expect(runner.livenessProbe.exec.command).toEqual(ALIVE);
    expect(runner.startupProbe.exec.command).toEqual(ALIVE);
  });

  test("counts as hung after the deadline of a cycle, the wait for the next cycle and a minute more", () => {
    const maxAge = Number(env.R3A_HEARTBEAT_MAX_AGE);
    const [every, deadline] = ["--every", "--deadline"].map((flag) => {
      return Number(runner.args[runner.args.indexOf(flag) + 1]);
    });
    expect(maxAge).toBe((deadline ?? 0) + (every ?? 0) + 60);
    expect(maxAge).toBe(name === "sync-1m-top" ? 35 + 60 + 60 : 285 + 60 + 60);
  });

  test("has the same time to start", () => {
    const { periodSeconds, failureThreshold } = runner.startupProbe;
    expect(periodSeconds * failureThreshold).toBeGreaterThanOrEqual(Number(env.R3A_HEARTBEAT_MAX_AGE));
  });

  test("touches the heartbeat file in a small volume, because the root is read-only", () => {
    const volume = spec?.volumes?.find((each) => each.name === "heartbeat");
    expect(volume).toEqual({ name: "heartbeat", emptyDir: { sizeLimit: "1Mi" } });
    const mount = runner.volumeMounts.find((each) => each.name === "heartbeat");
    expect(env.R3A_HEARTBEAT_FILE).toBe(`${mount?.mountPath}/heartbeat`);
  });
});

test("a job that ends by itself has neither probe nor heartbeat", () => {
  const jobs = render().filter(({ kind }) => kind !== "Deployment");
  expect(JSON.stringify(jobs)).not.toMatch(/livenessProbe|startupProbe|R3A_HEARTBEAT/);
});

describe("the probe in the image", () => {
  const folder = temporaryFolder();
  const bundle = join(folder, "app");
  const file = join(folder, "heartbeat");
  beforeAll(() => buildRunner(bundle), 120_000);

  /** Exit code and reason of the probe on a file that was touched so many seconds ago, null: that is not there. */
  async function probe(ageS: number | null, env: Readonly<Record<string, string>> = {}) {
    rmSync(file, { force: true });
    if (ageS !== null) {
      writeFileSync(file, "");
      const at = Date.now() / 1000 - ageS;
      utimesSync(file, at, at);
    }
    return new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [join(bundle, "alive.js")],
        { env: { R3A_HEARTBEAT_FILE: file, R3A_HEARTBEAT_MAX_AGE: "100", ...env } },
        (_error, stdout, stderr) => resolve([child.exitCode, stdout, stderr.trim()]),
      );
    });
  }

  const matches = (reason: string | RegExp, said: string) =>
    typeof reason === "string" ? said === reason : reason.test(said);

  test.each([
    [0, 0, ""],
    [80, 0, ""],
    // the probe takes a moment to start: more than a second on a busy machine
    [130, 1, /^the last heartbeat was 1[34]\d s ago, which is more than 100 s$/],
    [86_400, 1, /^the last heartbeat was 864[01]\d s ago, which is more than 100 s$/],
    // the clock was set back by a day meanwhile
    [-86_400, 1, /^the last heartbeat was (86400|863[89]\d) s ago, which is more than 100 s$/],
    [-5, 0, ""],
    [null, 1, "there is no heartbeat yet"],
  ])("on a file that was touched %s s ago ends with %s", async (ageS, code, reason) => {
    expect(await probe(ageS)).toEqual([code, "", expect.toSatisfy((said) => matches(reason, said))]);
  });

  test.each([{ R3A_HEARTBEAT_FILE: "" }, { R3A_HEARTBEAT_MAX_AGE: "soon" }, { R3A_HEARTBEAT_MAX_AGE: "0" }])(
    "without its settings says which: %j",
    async (env) => {
      const reason = "R3A_HEARTBEAT_FILE and R3A_HEARTBEAT_MAX_AGE must be set";
      expect(await probe(0, env)).toEqual([1, "", reason]);
    },
  );

  test("is one file that loads no other, where the image has it", () => {
    const text = readFileSync(join(bundle, "alive.js"), "utf8");
    expect([...text.matchAll(/\bfrom\s*"([^"]+)"|\bimport\s*\(/g)].map(([, name]) => name)).toEqual([
      "node:fs",
    ]);
    const dockerfile = readFileSync(join(ROOT, "runner/Dockerfile"), "utf8");
    const [, node, main] = /^ENTRYPOINT \["([^"]+)", .*"([^"]+)"\]$/m.exec(dockerfile) ?? [];
    expect([node, main?.replace("main.js", "alive.js")]).toEqual([...ALIVE]);
    expect(NODE_FLAGS.every((flag) => dockerfile.includes(`"${flag}"`))).toBe(true);
  });
});
