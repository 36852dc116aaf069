import { EXIT, type ExitCode } from "../contract/exits.ts";
import { renderCount, renderTable } from "../render.ts";
import { renderResult } from "../result.ts";
import { renderTime } from "../time.ts";
import type { BesideOutcome, BesideRequest, LeafOutcome } from "./beside-run.ts";
import type { ComparedPart } from "./compare-run.ts";
import { exitOfNone, type Refused } from "./refusal.ts";

type Shown = Pick<BesideRequest, "schema" | "isPreview" | "isCompared">;

/**
 * The exit code: that of exitOfNone where no backup could be restored from; 1 where a leaf failed, where nothing is there of
 * what was asked for, or where the live rows differ.
 */
export function exitOf({ leaves, refused }: BesideOutcome): ExitCode {
  const isNone = leaves === null || (leaves.length > 0 && leaves.every(({ chosen }) => chosen === null));
  if (isNone) return exitOfNone(refused);
  const isBad = ({ chosen, compared }: LeafOutcome) =>
    chosen === null || (compared !== null && compared.parts.length + compared.otherCoins.length > 0);
  return leaves.length === 0 || leaves.some(isBad) ? EXIT.failed : EXIT.done;
}

/** Whether every leaf was restored and only the live rows differ: the exit code 1 then says what was found. */
export function hasFindings({ leaves }: BesideOutcome): boolean {
  return leaves !== null && leaves.length > 0 && leaves.every(({ chosen }) => chosen !== null);
}

export function renderBesideJson(
  { leaves, refused }: BesideOutcome,
  { schema, isPreview, isCompared }: Shown,
): string {
  return renderResult("restore", {
    ...(isPreview ? { dryRun: true } : {}),
    schema,
    leaves: (leaves ?? []).map((leaf) => ({
      ...leafOf(leaf, isPreview),
      ...(isCompared ? differencesOf(leaf) : {}),
    })),
    refused: refused.map(({ tier, manifest, leaf, reason }) => ({ tier, manifest, leaf, reason })),
  });
}

function leafOf({ name, chosen, ms }: LeafOutcome, isPreview: boolean): object {
  if (chosen === null) return { leaf: name, outcome: "failed", from: null, durationMs: ms };
  const { plan, candidate, manifest } = chosen;
  return {
    leaf: name,
    outcome: isPreview ? "planned" : "restored",
    from: { tier: candidate.tier, manifest: candidate.key, snapshotAt: manifest.snapshotAt },
    parts: plan.parts.length,
    rows: plan.rows,
    bytes: plan.bytes,
    objects: plan.steps.map(({ kind, object }) => ({
      kind,
      key: object.key,
      rows: object.rows,
      bytes: object.bytes,
    })),
    durationMs: ms,
  };
}

function differencesOf({ compared }: LeafOutcome): object {
  if (compared === null) return {};
  const differences = compared.parts.map(({ first, ...part }) => ({
    ...part,
    first: first.map(({ at, ...row }) => ({ timestamp: renderTime(at), ...row })),
  }));
  return { differences, otherCoins: compared.otherCoins };
}

/** The same for a person. */
export function renderBeside(
  { leaves, refused }: BesideOutcome,
  { schema, isPreview, isCompared }: Shown,
): string {
  const rows = (leaves ?? []).map(({ name, chosen }) =>
    chosen === null
      ? [name, "", "", "", "", "no backup of it can be restored from"]
      : [
          name,
          chosen.candidate.tier,
          chosen.manifest.snapshotAt,
          chosen.plan.rows,
          chosen.plan.steps.length,
          isPreview ? "would be restored" : `is restored as ${schema}.${name}`,
        ],
  );
  const head = ["leaf", "tier", "as of", "rows", "objects", ""];
  const lines = rows.length === 0 ? [renderNone(leaves)] : [renderTable(head, rows)];
  if (refused.length > 0) lines.push("", "not restored from:", ...refused.map(renderRefused));
  if (isCompared) for (const leaf of leaves ?? []) lines.push(...renderDifferences(leaf));
  return `${lines.join("\n")}\n`;
}

function renderNone(leaves: BesideOutcome["leaves"]): string {
  return leaves === null ? "no backup can be restored from" : "the backups hold nothing of this selection";
}

function renderRefused({ tier, manifest, leaf, reason }: Refused): string {
  return `  ${[tier, manifest, leaf].filter((each) => each !== null).join(", ")}: ${reason}`;
}

function renderDifferences({ name, compared }: LeafOutcome): readonly string[] {
  if (compared === null) return [];
  const { parts, otherCoins } = compared;
  const others = otherCoins.map(
    ({ id, backed, live }) =>
      `  coin ${id} is ${backed} in the backup and ${live} here: do not trust what follows of it`,
  );
  if (parts.length + others.length === 0) return ["", `r3a.${name} has the same rows`];
  return ["", `r3a.${name}, compared with what is restored:`, ...others, ...parts.flatMap(renderPart)];
}

function renderPart({
  coinId,
  symbol,
  interval,
  added,
  missing,
  changed,
  first,
}: ComparedPart): readonly string[] {
  const counts = [
    missing > 0 ? `lacks ${renderCount(missing, "row")}` : "",
    added > 0 ? `has ${renderCount(added, "row")} more` : "",
    changed > 0 ? `has ${renderCount(changed, "row")} with other values` : "",
  ].filter((each) => each !== "");
  const rows = first.map(({ at, kind, columns }) => {
    const values = columns.map(
      ({ name, restored, live }) => `${name} ${restored ?? "NULL"} -> ${live ?? "NULL"}`,
    );
    return `    ${renderTime(at)} ${kind}${values.length === 0 ? "" : `: ${values.join(", ")}`}`;
  });
  return [`  ${symbol ?? `coin ${coinId}`} ${interval} ${counts.join(", ")}`, ...rows];
}
