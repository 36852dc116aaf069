import type { DrillVerdict } from "../../contract/drill-verdicts.ts";
import { EXIT, type ExitCode } from "../../contract/exits.ts";
import type { Tier } from "../../contract/tiers.ts";
import type { Damage } from "./layers.ts";

/** The object that was damaged while it was read. `reason`: why the restore refused it; null: it did not. */
export type PlantedDamage = Damage & { readonly reason: string | null };

/**
 * What a drill proved. `faults`: what differed or was not restored; `open`: what could not be compared. Times in ms; what is
 * not known is null. `exitCode`: 3 where nothing was restored, or as the restore itself says.
 */
export type DrillOutcome = {
  readonly verdict: DrillVerdict;
  readonly exitCode: ExitCode;
  readonly tier: Tier;
  readonly manifest: string | null;
  readonly snapshotAt: number | null;
  readonly rpoMs: number | null;
  readonly rtoMs: number | null;
  readonly wholeMs: number | null;
  readonly leaves: number;
  readonly tables: number;
  readonly rows: number;
  readonly golden: number;
  readonly damage: PlantedDamage | null;
  readonly faults: readonly string[];
  readonly open: readonly string[];
};

type Found = Omit<DrillOutcome, "verdict" | "exitCode">;

/** The outcome of a drill that restored something: a comparison that could not be made is no pass. */
export function judgeDrill(found: Found): DrillOutcome {
  if (found.faults.length > 0) return { ...found, verdict: "failed", exitCode: EXIT.failed };
  if (found.open.length > 0) return { ...found, verdict: "open", exitCode: EXIT.tryAgain };
  return { ...found, verdict: "passed", exitCode: EXIT.done };
}

/** The outcome of a drill that could restore nothing. */
export function failDrill(
  known: Pick<DrillOutcome, "tier" | "exitCode" | "faults"> & Partial<DrillOutcome>,
): DrillOutcome {
  return {
    ...{ verdict: "failed", manifest: null, snapshotAt: null, rpoMs: null, rtoMs: null, wholeMs: null },
    ...{ leaves: 0, tables: 0, rows: 0, golden: 0, damage: null, open: [] },
    ...known,
  };
}
