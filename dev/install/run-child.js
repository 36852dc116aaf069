// Plain JavaScript: the installation uses it. Its types stand in run-child.d.ts.
import { spawn } from "node:child_process";
import { constants } from "node:os";

const isWindows = process.platform === "win32";
const ENDING = isWindows ? ["SIGINT"] : ["SIGINT", "SIGTERM", "SIGHUP"];
/** A signal that was sent to the process and to its group comes twice within this time. */
const SAME_MS = 300;

export function catchSignals() {
  const caught = { first: undefined, hear: () => {} };
  const last = {};
  for (const signal of ENDING)
    process.on(signal, () => {
      const now = performance.now();
      if (now - (last[signal] ?? -SAME_MS) < SAME_MS) return;
      last[signal] = now;
      caught.first ??= signal;
      caught.hear(signal);
    });
  return caught;
}

export function runChild(file, args, { signals, onSignal, onSpawn, ...options }) {
  return new Promise((resolve, reject) => {
    // in a group of its own: a Ctrl-C of the terminal then reaches the child by this process alone, so once
    const child = spawn(file, args, { ...options, detached: !isWindows });
    const kill = (signal) => killGroup(child, signal);
    const pause = () => {
      kill("SIGSTOP");
      process.kill(process.pid, "SIGSTOP");
    };
    const goOn = () => kill("SIGCONT");
    const isPaused = !isWindows;
    if (isPaused) process.on("SIGTSTP", pause).on("SIGCONT", goOn);
    signals.hear = (signal) => (onSignal === undefined ? kill(signal) : onSignal(signal, kill));
    const leave = () => {
      signals.hear = () => {};
      process.off("SIGTSTP", pause).off("SIGCONT", goOn);
    };
    let stdout = "";
    child.stdout?.on("data", (chunk) => {
      stdout += chunk;
    });
    let noted;
    child.on("spawn", () => {
      noted = onSpawn?.(child.pid);
    });
    child.on("error", (error) => {
      leave();
      reject(error);
    });
    child.on("close", (code, signal) => {
      leave();
      // what the child started and left behind
      if (signals.first !== undefined) kill("SIGKILL");
      const end = { code: code ?? 128 + constants.signals[signal], stdout };
      Promise.resolve(noted).then(() => resolve(end), reject);
    });
  });
}

function killGroup(child, signal) {
  try {
    if (isWindows) child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}
