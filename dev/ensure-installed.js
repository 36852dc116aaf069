// Runs before every npm script, as the machine's own Node (20 or newer), before anything is installed:
// plain JavaScript, no dependency. Installs what the lockfile says when it is newer than the installation.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** npm writes this file last, so a killed installation counts as none. */
const installed = join(root, "node_modules", ".package-lock.json");
/** Not in node_modules, which npm ci deletes. */
const lock = join(root, ".r3a", "installing");
const say = (line) => process.stderr.write(`${line}\n`);
const modified = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const isOutdated = () => modified(installed) < modified(join(root, "package-lock.json"));

function takeLock() {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

/** Removes the lock when its process is gone; an empty one is about to get its number, unless it is old. */
function clearStaleLock() {
  try {
    const pid = Number(readFileSync(lock, "utf8"));
    if (pid === 0 && Date.now() - modified(lock) < 5_000) return;
    if (pid !== 0) process.kill(pid, 0);
    else rmSync(lock, { force: true });
  } catch (error) {
    if (error.code === "ESRCH") rmSync(lock, { force: true });
    else if (error.code !== "ENOENT" && error.code !== "EPERM") throw error;
  }
}

/** npm hands its settings to its scripts. A --dry-run or --omit=dev of the script is not meant for the installation. */
function environment() {
  const kept = /^npm_config_(cache|registry|cafile|userconfig|globalconfig|prefix|https?_proxy|noproxy)$/i;
  const own = Object.entries(process.env).filter(
    ([name]) => kept.test(name) || !/^npm_(config|package|lifecycle)_/i.test(name),
  );
  return Object.fromEntries(own);
}

function install() {
  say("installing dependencies (npm ci), once ...");
  const npm = spawnSync("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
    env: environment(),
  });
  if (npm.status === 0) return 0;
  if (npm.error?.code === "ENOENT") say("npm is not on the PATH; it comes with Node.js: https://nodejs.org");
  else
    say(
      `npm ci failed (${npm.error?.message ?? npm.signal ?? `exit ${npm.status}`}); run it by hand to see why`,
    );
  return npm.status ?? 1;
}

if (Number(process.versions.node.split(".")[0]) < 20) {
  say(`Node ${process.version} is too old: 20 or newer is needed`);
  process.exit(1);
}
while (isOutdated()) {
  mkdirSync(dirname(lock), { recursive: true });
  if (takeLock()) {
    try {
      process.exitCode = isOutdated() ? install() : 0;
    } finally {
      rmSync(lock, { force: true });
    }
    break;
  }
  clearStaleLock();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
}
