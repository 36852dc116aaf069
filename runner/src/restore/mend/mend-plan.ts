import type { Detector } from "../../contract/damage.ts";
import { MEND_BRAKES } from "../../contract/mend-brakes.ts";
import { renderTime } from "../../time.ts";

/** Damage in a leaf, and what found it. */
export type Finding = { readonly leaf: string; readonly detector: Detector; readonly detail: string };

/**
 * A leaf as the brakes see it. `rows`: candles that the backups know, 0 where they know none. `bytes`: what the restored table
 * will take, indexes too. `mendedAt` (ms): when a restore last swapped it; null: none did that is remembered.
 */
export type DamagedLeaf = {
  readonly name: string;
  readonly findings: readonly Omit<Finding, "leaf">[];
  readonly rows: number;
  readonly bytes: number;
  readonly mendedAt: number | null;
};

/**
 * What may happen to a leaf. `prepare`: the restored table is built and checked, and not swapped; `leave`: nothing is done.
 */
export type Verdict =
  | { readonly kind: "mend" }
  | { readonly kind: "prepare" | "leave"; readonly why: string };

export type JudgedLeaf = DamagedLeaf & { readonly verdict: Verdict };

/**
 * `allRows`: candles of all leaves that the backups know. `freeBytes`: what the database may still grow; null: not known.
 * `isBeyond`: a person says that the brakes do not count.
 */
export type Situation = {
  readonly allRows: number;
  readonly freeBytes: number | null;
  readonly now: number;
  readonly isBeyond: boolean;
};

/** The findings by leaf, in the order of the leaves' names from the newest one on; the same finding once. */
export function groupFindings(findings: readonly Finding[]): ReadonlyMap<string, readonly Finding[]> {
  const byLeaf = Map.groupBy(findings, ({ leaf }) => leaf);
  const names = [...byLeaf.keys()].toSorted((a, b) => (a < b ? 1 : -1));
  return new Map(
    names.map((name) => {
      const once = new Map((byLeaf.get(name) ?? []).map((each) => [each.detector, each]));
      return [name, [...once.values()]];
    }),
  );
}

/** Holds the brakes against the damaged leaves, in their order. */
export function judgeLeaves(leaves: readonly DamagedLeaf[], situation: Situation): readonly JudgedLeaf[] {
  const { freeBytes, isBeyond } = situation;
  const whole = isBeyond ? null : brakeOfRun(leaves, situation);
  let free = freeBytes;
  return leaves.map((leaf): JudgedLeaf => {
    const needed = leaf.bytes * MEND_BRAKES.diskFactor;
    if (!isBeyond && free !== null && needed > free)
      return { ...leaf, verdict: { kind: "leave", why: tooLarge(needed, free) } };
    if (free !== null) free -= needed;
    const why = whole ?? (isBeyond ? null : brakeOfLeaf(leaf, situation.now));
    return { ...leaf, verdict: why === null ? { kind: "mend" } : { kind: "prepare", why } };
  });
}

function brakeOfRun(leaves: readonly DamagedLeaf[], { allRows }: Situation): string | null {
  const { leaves: most, share } = MEND_BRAKES;
  if (leaves.length > most)
    return `${leaves.length} leaves are damaged, and one run swaps at most ${most}: so much damage may have one cause`;
  const rows = leaves.reduce((sum, leaf) => sum + leaf.rows, 0);
  if (leaves.length > 1 && rows > allRows * share)
    return `the damaged leaves hold ${percent(rows / allRows)} of all candles, and one run swaps at most ${percent(share)}: so much damage may have one cause`;
  return null;
}

function brakeOfLeaf({ mendedAt }: DamagedLeaf, now: number): string | null {
  if (mendedAt === null || now - mendedAt >= MEND_BRAKES.againMs) return null;
  return `it was restored at ${renderTime(mendedAt)}, less than ${MEND_BRAKES.againMs / 3_600_000} h ago, and is damaged again: what damages it may still be there`;
}

const percent = (share: number) => `${Math.round(share * 1000) / 10} %`;
const GB = 1e9;

function tooLarge(needed: number, free: number): string {
  return `it needs ${(needed / GB).toFixed(2)} GB, and DB_SIZE_BUDGET_GB leaves ${(Math.max(0, free) / GB).toFixed(2)} GB`;
}
