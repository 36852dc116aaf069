import { TIERS, type Tier } from "../contract/tiers.ts";
import type { SuspectGroup } from "../db/backup/suspect-groups.ts";
import type { DailyFault, TierBackup } from "../db/health/backups.ts";
import { renderCount } from "../render.ts";
import { describeSuspects, remediesOf } from "../suspects.ts";
import { DAY_MS, HOUR_MS, renderDuration, renderTime } from "../time.ts";
import { type CheckResult, judgeNames, resultOf } from "./report.ts";

/** The team's own bound: a backup a day at 02:00, and two hours for the run. */
const FAIL_MS = 26 * HOUR_MS;
/** Of a tier that got nothing for longer than the longest time a backup is kept, all is out of date: nobody uses the tier. */
const UNUSED_MS = 90 * DAY_MS;

/**
 * Compares the age of the newest backup with the bound, and each tier with the newest backup. `set`: the tiers that the
 * settings name.
 */
export function judgeBackups(tiers: readonly TierBackup[], set: readonly Tier[], now: number): CheckResult {
  const newest = Math.max(...tiers.map(({ takenAt }) => takenAt));
  if (tiers.length === 0) return judgeNone(set);
  const age = now - newest;
  const behind = tiers.filter(({ takenAt }) => newest - takenAt > FAIL_MS && now - takenAt < UNUSED_MS);
  const lacking = set.filter((each) => tiers.every(({ tier }) => tier !== each));
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
  if (behind.length + lacking.length > 0)
    return resultOf("backup", "", {
      ...finding,
      status: "warn",
      output: "a tier gets no backups: run backup, which names what the tier refuses",
      names: [
        ...behind.map(({ tier, takenAt }) => `${tier}: none since ${renderTime(takenAt)}`),
        ...lacking.map((tier) => `${tier}: it is set, and no backup ever went there`),
      ],
    });
  const held = tiers.filter(({ takenAt }) => newest - takenAt <= FAIL_MS);
  const unused = TIERS.filter((each) => !set.includes(each) && held.every(({ tier }) => tier !== each));
  const ages = held.map(({ tier, takenAt }) => `${tier} ${renderDuration(now - takenAt)}`);
  return resultOf("backup", "", {
    ...finding,
    status: "pass",
    output: `the newest backup is ${renderDuration(age)} old (${ages.join(", ")})${unused.length === 0 ? "" : `; not set: ${unused.join(", ")}`}`,
  });
}

/** Where a tier is set and nothing ever went there, somebody relies on backups that are not made. */
function judgeNone(set: readonly Tier[]): CheckResult {
  const isWanted = set.length > 0;
  return resultOf("backup", "", {
    status: isWanted ? "fail" : "skip",
    unit: "s",
    output: isWanted
      ? `no backup was made yet, and ${set.join(", ")} ${set.length === 1 ? "is" : "are"} set: run backup`
      : "no backup was made yet, so none is checked: docs/recovery.md says how to make one",
  });
}

/** The daily backup compares itself with those before it, since a manifest of few rows is the newest one all the same. */
export function judgeCollapse(newest: DailyFault | null): CheckResult {
  if (newest === null)
    return resultOf("backup", "size", { status: "skip", output: "no daily backup is complete yet" });
  const { fault, takenAt: at } = newest;
  return resultOf("backup", "size", {
    status: fault === null ? "pass" : "fail",
    at,
    output: fault ?? "the newest daily backup restores as much as those before it",
  });
}

/** `leftOut`: what no backup holds, a name each. */
export function judgeLeftOut(leftOut: readonly string[]): CheckResult {
  return judgeNames("backup", "left out", {
    names: leftOut,
    unit: "objects",
    good: "backups hold every column and every table of candles",
    bad: "no backup holds what is named here: move it into leaves and columns of R3A or into a table of your own, and back that up by yourself",
  });
}

/** A backup adopts no damage: what it found stays open until a person decides. `groups`: some of all, the oldest first. */
export function judgeSuspects(groups: readonly SuspectGroup[]): CheckResult {
  const [oldest] = groups;
  const found = { observed: oldest?.all ?? 0, unit: "suspects", criteria: { fail: 1 } };
  if (oldest === undefined)
    return resultOf("backup", "suspects", {
      ...found,
      status: "pass",
      output: "no stored candle changed or vanished unexplained",
    });
  const { look, accept } = remediesOf(oldest);
  const result = resultOf("backup", "suspects", {
    ...found,
    status: "fail",
    at: oldest.foundAt,
    output: `${renderCount(oldest.all, "stored candle")} changed or vanished and nothing explains it, since ${renderTime(oldest.foundAt)}: ${look} shows them, and docs/recovery.md how to copy rows back; only if all are right as they are: ${accept}. Found`,
    names: groups.map(describeSuspects),
  });
  return { ...result, moreNames: oldest.groups - result.names.length };
}
