import type { Suspect, TierBackup } from "../db/health/backups.ts";
import { DAY_MS, HOUR_MS, renderDuration, renderTime } from "../time.ts";
import { type CheckResult, resultOf } from "./report.ts";

/** The team's own bound: a backup a day at 02:00, and two hours for the run. */
const FAIL_MS = 26 * HOUR_MS;
/** Of a tier that got nothing for longer than the longest time a backup is kept, all is out of date: nobody uses the tier. */
const UNUSED_MS = 90 * DAY_MS;

/** Compares the age of the newest backup with the bound, and each tier with the newest backup. */
export function judgeBackups(tiers: readonly TierBackup[], now: number): CheckResult {
  const newest = Math.max(...tiers.map(({ takenAt }) => takenAt));
  if (tiers.length === 0)
    return resultOf("backup", "", {
      status: "skip",
      unit: "s",
      output: "no backup was made yet, so none is checked: docs/recovery.md says how to make one",
    });
  const age = now - newest;
  const behind = tiers.filter(({ takenAt }) => newest - takenAt > FAIL_MS && now - takenAt < UNUSED_MS);
  const finding = {
    observed: Math.round(age / 1000),
    unit: "s",
    criteria: { fail: FAIL_MS / 1000 },
    at: newest,
  };
  if (age > FAIL_MS)
    return resultOf("backup", "", {
      ...finding,
      status: "fail",
      output: `the newest backup is ${renderDuration(age)} old: run backup, and read why the last one failed by runs --command backup`,
    });
  if (behind.length > 0)
    return resultOf("backup", "", {
      ...finding,
      status: "warn",
      output: "a tier gets no backups: run backup, which names what the tier refuses",
      names: behind.map(({ tier, takenAt }) => `${tier}: none since ${renderTime(takenAt)}`),
    });
  const held = tiers.filter(({ takenAt }) => newest - takenAt <= FAIL_MS).map(({ tier }) => tier);
  return resultOf("backup", "", {
    ...finding,
    status: "pass",
    output: `the newest backup is ${renderDuration(age)} old, in ${held.join(", ")}`,
  });
}

/** A backup adopts no damage: what it found stays open until a person decides. `suspects`: some of all, the oldest first. */
export function judgeSuspects(suspects: readonly Suspect[]): CheckResult {
  const [oldest] = suspects;
  const found = { observed: oldest?.all ?? 0, unit: "suspects", criteria: { fail: 1 } };
  if (oldest === undefined)
    return resultOf("backup", "suspects", {
      ...found,
      status: "pass",
      output: "no stored candle changed or vanished unexplained",
    });
  const names = suspects.map(
    ({ leaf, symbol, interval, at, kind }) =>
      `${symbol} ${interval} ${at === null ? `in ${leaf}` : renderTime(at)} ${kind}`,
  );
  const result = resultOf("backup", "suspects", {
    ...found,
    status: "fail",
    at: oldest.foundAt,
    output: `stored candles changed or vanished and nothing explains it, since ${renderTime(oldest.foundAt)}: restore --to-schema with --compare shows them; backup --accept takes them as right`,
    names,
  });
  return { ...result, moreNames: oldest.all - result.names.length };
}
