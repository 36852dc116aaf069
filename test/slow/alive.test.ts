import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { startRunner } from "../support/runner.ts";
import { useWorld } from "../support/world.ts";

const world = useWorld({ symbols: 3 });
const folder = mkdtempSync(join(tmpdir(), "r3a-alive-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const ALIVE = fileURLToPath(new URL("../../runner/src/alive.ts", import.meta.url));
const env = {
  R3A_HEARTBEAT_FILE: join(folder, "heartbeat"),
  R3A_HEARTBEAT_MAX_AGE: "6",
  SYMBOLS: "BTCUSDT,ETHUSDT",
  FALLBACK_START: new Date(Date.now() - 86_400_000).toISOString().slice(0, 10),
};

/** The probe's exit code, as the kubelet would see it. */
const probe = () =>
  new Promise<number | null>((resolve) => {
    const child = execFile(process.execPath, [ALIVE], { env }, () => resolve(child.exitCode));
  });

async function until(code: number, seconds: number): Promise<boolean> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(300))
    if ((await probe()) === code) return true;
  return false;
}

test("the probe holds a repeating sync for alive while its cycles end, and for hung once the process stands still", async () => {
  expect((await world.run("migrate")).code).toBe(0);
  // left by the process before: a container starts anew in the folder of the old one
  writeFileSync(env.R3A_HEARTBEAT_FILE, "");
  utimesSync(env.R3A_HEARTBEAT_FILE, 1, 1);
  expect(await probe()).toBe(1);
  const { child, ended } = startRunner(["sync", "1h", "--every", "2", "--deadline", "20"], world.env(env));
  try {
    expect(await until(0, 30)).toBe(true);
    await sleep(8_000);
    expect(await probe()).toBe(0);
    child.kill("SIGSTOP");
    expect(await until(1, 20)).toBe(true);
    child.kill("SIGCONT");
    expect(await until(0, 30)).toBe(true);
  } finally {
    child.kill("SIGCONT");
    child.kill("SIGTERM");
  }
  expect((await ended).code).toBe(0);
}, 120_000);
