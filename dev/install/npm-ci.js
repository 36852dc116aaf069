import { readFileSync } from "node:fs";
import { join } from "node:path";
import { catchSignals, runChild } from "./run-child.js";

/** As `EXIT.terminated` of the runner has it. */
const TERMINATED = 143;
/** npm puts everything back when it is told to stop, which can take a minute; the next `npm ci` needs nothing of that. */
const GRACE_MS = 3_000;
const say = (line) => process.stderr.write(`${line}\n`);

/** Installs what the lockfile says; returns the exit code. `onSpawn` gets the number of npm's process. */
export async function installPackages(root, onSpawn) {
  say(
    `installing about ${Math.ceil(countPackages(root) / 10) * 10} packages, once: 270 MB to fetch, 840 MB on the disk, one to two minutes.\n` +
      "Ctrl-C stops it, and the next start begins anew.",
  );
  const signals = catchSignals();
  try {
    const { code } = await runChild(
      "npm",
      ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"],
      {
        cwd: root,
        stdio: ["ignore", 2, 2],
        shell: process.platform === "win32",
        env: environment(),
        signals,
        onSpawn,
        onSignal: stopNpm,
      },
    );
    if (signals.first !== undefined)
      say("stopped: nothing of npm is left running; the next start installs again");
    else if (code !== 0) say(`npm ci failed (exit ${code}); run it by hand to see why`);
    return signals.first === undefined ? code : TERMINATED;
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    say("npm is not on the PATH; it comes with Node.js: https://nodejs.org");
    return 1;
  }
}

function stopNpm(signal, kill) {
  say(`\n${signal}: stopping the installation ...`);
  kill("SIGTERM");
  setTimeout(() => kill("SIGKILL"), GRACE_MS).unref();
}

/** How many packages npm ci puts on a machine such as this one, or a few more. */
function countPackages(root) {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const fits = (list, own) =>
    list === undefined || list.includes(own) || list.some((name) => /^!/.test(name) && name !== `!${own}`);
  return Object.entries(packages).filter(
    ([path, { link, os, cpu }]) =>
      path.includes("node_modules/") && !link && fits(os, process.platform) && fits(cpu, process.arch),
  ).length;
}

/** npm hands its settings to its scripts. A --dry-run or --omit=dev of the script is not meant for the installation. */
function environment() {
  const kept = /^npm_config_(cache|registry|cafile|userconfig|globalconfig|prefix|https?_proxy|noproxy)$/i;
  const own = Object.entries(process.env).filter(
    // npm's own compiled modules do not belong into the folder that it deletes
    ([name]) => kept.test(name) || !/^(npm_(config|package|lifecycle)_|NODE_COMPILE_CACHE$)/i.test(name),
  );
  return Object.fromEntries(own);
}
