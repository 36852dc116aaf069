// Runs before every npm script and at the first start of ./r3a, as the machine's own Node (20 or newer), before anything
// is installed: plain JavaScript, no dependency. Installs what the lockfile says where node_modules has something else.
import { mkdirSync, readFileSync, statSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { withLock } from "./install/file-lock.js";
import { installPackages } from "./install/npm-ci.js";
import { catchSignals, runChild } from "./install/run-child.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wanted = join(root, "package-lock.json");
/** npm writes this file last, so a killed installation counts as none. */
const installed = join(root, "node_modules", ".package-lock.json");
/** Not in node_modules, which npm ci deletes. */
const lock = join(root, ".r3a", "installing");
const say = (line) => process.stderr.write(`${line}\n`);
const modified = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

function isOutdated() {
  if (modified(installed) >= modified(wanted)) return false;
  if (modified(installed) === 0 || !holdsTheSame()) return true;
  // git gives the lockfile the time of a checkout also where the packages stay the same
  const now = new Date();
  utimesSync(installed, now, now);
  return false;
}

/** Whether the packages of the two lockfiles are the same, apart from optional ones of other systems. */
function holdsTheSame() {
  const [has, wants] = [installed, wanted].map((file) => JSON.parse(readFileSync(file, "utf8")).packages);
  const same = (one, other) => one.version === other.version && one.integrity === other.integrity;
  return (
    Object.entries(has).every(([path, one]) => wants[path] !== undefined && same(one, wants[path])) &&
    Object.entries(wants).every(([path, one]) => path === "" || one.optional || has[path] !== undefined)
  );
}

/** npm itself holds the lock: where this process is killed, npm goes on, and a second npm beside it destroys both. */
function install() {
  mkdirSync(dirname(lock), { recursive: true });
  const work = async (handTo) => (isOutdated() ? installPackages(root, handTo) : 0);
  return withLock(lock, work, {
    waitMs: Number.POSITIVE_INFINITY,
    onWait: (pid) => say(`process ${pid} is installing the packages here; waiting for it ...`),
  });
}

if (Number(process.versions.node.split(".")[0]) < 20) {
  say(`Node ${process.version} is too old: 20 or newer is needed`);
  process.exit(1);
}
process.exitCode = isOutdated() ? await install() : 0;
const [then, ...args] = process.argv.slice(2);
if (process.exitCode === 0 && then !== undefined) {
  const { code } = await runChild(then, args, { stdio: "inherit", signals: catchSignals() });
  process.exitCode = code;
}
