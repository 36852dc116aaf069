import { readFileSync, writeFileSync } from "node:fs";

// Loaded before the program under measurement: only the process itself can read its peak exactly. Plain JavaScript,
// since the stripping of types would add 30 MB and 40 ms to what is measured.
const file = process.env.R3A_BENCH_RSS_FILE;

/**
 * In kB. `resourceUsage().maxRSS` is of no use here: Linux carries it over from the process that started this one, so that
 * the bench, at 150 MB by then, was measured instead of a minute job of 106 MB.
 */
function peakKb() {
  const [, kb] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return kb ?? String(process.resourceUsage().maxRSS);
}

if (file !== undefined) process.on("exit", () => writeFileSync(file, peakKb()));
