import type { Damage } from "../db/leaf/damage-rows.ts";
import type { Hold } from "../db/leaf/hold.ts";
import { type CatalogLeaf, judgeCatalog, lacksGuard } from "../db/leaf/leaf-catalog.ts";
import { describeLoading, type Loading } from "../db/schema/restore-gate.ts";
import { commandLine } from "../program-name.ts";
import { renderTime } from "../time.ts";
import { type CheckResult, judgeNames, RUNBOOK_DAMAGE, resultOf } from "./report.ts";

/** Open damage as the ledger has it, and the leaves as the catalog shows them at this moment. */
export type DamageFacts = {
  readonly damage: readonly Damage[];
  readonly leaves: readonly CatalogLeaf[];
  readonly loading: Loading | null;
};

/**
 * Names each leaf that is known to be damaged: by scrub, by a command that met the damage, and by the catalog itself, where a
 * table was dropped, detached or emptied. While a restore loads the database, leaves lack rows that backups have.
 */
export function judgeDamage({ damage, leaves, loading }: DamageFacts): CheckResult {
  if (loading?.isGated === true)
    return resultOf("integrity", "damage", { status: "skip", output: describeLoading(loading) });
  const found = new Map<string, Set<string>>();
  const add = (leaf: string, what: string) => found.set(leaf, (found.get(leaf) ?? new Set()).add(what));
  for (const { leaf, detector } of damage) add(leaf, detector);
  for (const leaf of leaves) for (const { detector } of judgeCatalog(leaf)) add(leaf.name, detector);
  const unguarded = leaves.filter(lacksGuard);
  const names = [...found]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([leaf, what]) => `${leaf}: ${[...what].join(", ")}`);
  if (names.length === 0 && unguarded.length > 0)
    return judgeNames("integrity", "damage", {
      names: unguarded.map(({ name }) => name),
      unit: "leaves",
      good: "",
      bad: "leaves count as sealed, and anybody can write to them, since their guard is gone, or is not set to fire always: run scrub, and then seal",
    });
  return judgeNames("integrity", "damage", {
    names,
    unit: "leaves",
    good: "no leaf is known to be damaged",
    bad: `leaves are damaged: ${commandLine("restore --damaged --dry-run")} says what puts back what the backups have; candles that a person changed on purpose are kept by ${commandLine("backup --accept LEAF:SYMBOL")} --reason "WHY"; where another way mended one, ${commandLine("scrub --leaf NAME")} closes its findings`,
    runbook: RUNBOOK_DAMAGE,
  });
}

/** A hold that is forgotten keeps every seal and every mending away, so it is shown until a person ends it. */
export function judgeHold(hold: Hold | null): CheckResult {
  if (hold === null)
    return resultOf("integrity", "hold", { status: "pass", output: "nothing holds the recovery" });
  return resultOf("integrity", "hold", {
    status: "warn",
    at: hold.heldAt,
    output: `no leaf is sealed or swapped since ${renderTime(hold.heldAt)}: ${hold.reason}; ${commandLine("restore --resume")} ends the hold`,
    runbook: RUNBOOK_DAMAGE,
  });
}
