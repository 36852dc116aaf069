import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isAlive } from "../../dev/install/file-lock.js";

/** The first start of ./r3a in a fresh clone, with an npm that takes its time as the real one does. */

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PACKAGES = { "node_modules/a": { version: "1.0.0" }, "node_modules/b": { version: "2.0.0" } };
/** As `npm ci`: removes node_modules, fills it, and goes on after Ctrl-C; two at once destroy each other's work. */
const NPM = `#!/bin/sh
trap '' INT TERM
echo $$ >>npm-runs
if [ -e busy ] && kill -0 "$(cat busy)" 2>/dev/null; then
  echo 'npm error code ENOTEMPTY' >&2
  exit 217
fi
echo $$ >busy
rm -rf node_modules
mkdir -p node_modules/.bin
sleep "\${NPM_SECONDS:-0}"
ln -s "$R3A_TEST_NODE" node_modules/.bin/node
cp package-lock.json node_modules/.package-lock.json
`;
const PROGRAM = `process.stdout.write(process.argv.slice(2).join(" ")); process.exitCode = 7;`;

let clone = "";
const children = new Set<ChildProcess>();

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), "r3a-clone-"));
  for (const name of ["r3a", "dev/ensure-installed.js", "dev/install"])
    cpSync(join(ROOT, name), join(clone, name), { recursive: true });
  writeFileSync(join(clone, "package.json"), '{"type":"module"}');
  writeFileSync(join(clone, "package-lock.json"), JSON.stringify({ packages: { "": {}, ...PACKAGES } }));
  writeFileSync(join(clone, "dev/program.ts"), PROGRAM);
  mkdirSync(join(clone, "bin"));
  writeFileSync(join(clone, "bin/npm"), NPM);
  chmodSync(join(clone, "bin/npm"), 0o755);
});

afterEach(() => {
  for (const child of children) if (child.exitCode === null) child.kill("SIGKILL");
  children.clear();
  rmSync(clone, { recursive: true, force: true, maxRetries: 5 });
});

const TOOLS = `:${dirname(process.execPath)}:/usr/bin:/bin`;

function start(words: readonly string[], { seconds = 0, path = TOOLS, file = "r3a" } = {}) {
  const child = spawn(join(clone, file), words, {
    cwd: tmpdir(),
    detached: true,
    env: {
      PATH: `${join(clone, "bin")}${path}`,
      NPM_SECONDS: String(seconds),
      R3A_TEST_NODE: process.execPath,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { child, ended, said: () => stderr };
}

/** The processes of npm that were started so far. */
const npmRuns = () =>
  existsSync(join(clone, "npm-runs"))
    ? readFileSync(join(clone, "npm-runs"), "utf8").trim().split("\n").map(Number)
    : [];
const npmStarted = () => expect.poll(() => npmRuns().length, { timeout: 20_000, interval: 20 });

/** As a terminal sends Ctrl-C: to each process of the group. */
function interrupt({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, "SIGINT");
}

test("the first start says what it will cost, installs, and leaves stdout and exit code to the command", async () => {
  const first = await start(["candles", "BTCUSDT"]).ended;
  expect(first).toMatchObject({ code: 7, stdout: "candles BTCUSDT" });
  expect(first.stderr).toMatch(/^installing about 10 packages, once: \d+ MB to fetch, \d+ MB .*minutes/);
  expect(await start(["gaps"]).ended).toEqual({ code: 7, stdout: "gaps", stderr: "" });
  expect(npmRuns()).toHaveLength(1);
});

test("Ctrl-C ends the installation before the prompt is back, and the next start mends what is left", async () => {
  const first = start([], { seconds: 60 });
  await npmStarted().toBe(1);
  interrupt(first.child);
  const { code, stderr } = await first.ended;
  expect(code).toBe(143);
  expect(stderr).toMatch(
    /SIGINT: stopping the installation \.\.\.\nstopped: .*the next start installs again/,
  );
  expect(npmRuns().filter(isAlive)).toEqual([]);
  expect(await start([]).ended).toMatchObject({ code: 7 });
  expect(npmRuns()).toHaveLength(2);
});

test("a start beside an installation waits for it, also where the first start is killed", async () => {
  const first = start([], { seconds: 4 });
  await npmStarted().toBe(1);
  await expect.poll(() => existsSync(join(clone, ".r3a/installing"))).toBe(true);
  await expect
    .poll(() => readFileSync(join(clone, ".r3a/installing"), "utf8").split(" ")[0])
    .toBe(String(npmRuns()[0]));
  first.child.kill("SIGKILL");
  const second = await start(["plan"]).ended;
  expect(second).toMatchObject({ code: 7, stdout: "plan" });
  expect(second.stderr).toBe(`process ${npmRuns()[0]} is installing the packages here; waiting for it ...\n`);
  expect(npmRuns()).toHaveLength(1);
});

test("three starts at once install once", async () => {
  const starts = await Promise.all([1, 2, 3].map(() => start(["gaps"], { seconds: 1 }).ended));
  expect(starts.map(({ code, stdout }) => [code, stdout])).toEqual(starts.map(() => [7, "gaps"]));
  expect(npmRuns()).toHaveLength(1);
});

test("a lockfile with a new time installs nothing, one with another package does", async () => {
  await start([]).ended;
  const lockfile = join(clone, "package-lock.json");
  const later = Date.now() / 1000 + 60;
  utimesSync(lockfile, later, later);
  expect(await start([]).ended).toMatchObject({ code: 7, stderr: "" });
  expect(npmRuns()).toHaveLength(1);
  writeFileSync(
    lockfile,
    JSON.stringify({ packages: { ...PACKAGES, "node_modules/c": { version: "1.0.0" } } }),
  );
  utimesSync(lockfile, later + 60, later + 60);
  await start([]).ended;
  expect(npmRuns()).toHaveLength(2);
});

test("an npm that fails is named, with its exit code", async () => {
  writeFileSync(join(clone, "bin/npm"), "#!/bin/sh\nexit 217\n");
  const failed = await start([]).ended;
  expect(failed).toMatchObject({ code: 217, stdout: "" });
  expect(failed.stderr).toContain("npm ci failed (exit 217); run it by hand to see why");
});

test("a machine without Node reads what is missing", async () => {
  for (const tool of ["dirname", "readlink"]) symlinkSync(`/usr/bin/${tool}`, join(clone, "bin", tool));
  const { code, stderr } = await start([], { path: "" }).ended;
  expect([code, stderr]).toEqual([127, expect.stringContaining("Node.js 20 or newer is all")]);
});

test("a link to the program, as npm makes one, starts the same clone", async () => {
  symlinkSync("../r3a", join(clone, "bin/r3a"));
  const { code, stdout } = await start(["gaps"], { file: "bin/r3a" }).ended;
  expect([code, stdout]).toEqual([7, "gaps"]);
});
