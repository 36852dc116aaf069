import { EXIT, type ExitCode } from "../contract/exits.ts";
import { renderCount, renderTable, wrapLine } from "../render.ts";
import { renderResult } from "../result.ts";
import { renderTime } from "../time.ts";
import type { BesideOutcome, BesideRequest, LeafOutcome } from "./beside-run.ts";
import type { ComparedPart } from "./compare-run.ts";
import { exitOfNone } from "./refusal.ts";
import { concludeNone, renderRefused } from "./refused-text.ts";

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
  const differences = compared.parts.map(({ first, from, last, ...part }) => ({
    ...part,
    from: renderTime(from),
    last: renderTime(last),
    first: first.map(({ at, ...row }) => ({ timestamp: renderTime(at), ...row })),
  }));
  return { differences, otherCoins: compared.otherCoins };
}

/** The same for a person, in at most 80 columns. */
export function renderBeside(
  { leaves, refused }: BesideOutcome,
  { schema, isPreview, isCompared }: Shown,
): string {
  const found = (leaves ?? []).flatMap(({ name, chosen }) => (chosen === null ? [] : [{ name, chosen }]));
  const missing = (leaves ?? []).filter(({ chosen }) => chosen === null);
  const lines: string[] = [];
  if (found.length > 0) {
    const rows = found.map(({ name, chosen: { candidate, manifest, plan } }) => [
      ...[name, candidate.tier, shortTime(manifest.snapshotAt), plan.rows, plan.steps.length],
    ]);
    lines.push(renderTable(["leaf", "tier", "as of (UTC)", "rows", "objects"], rows));
    lines.push(
      "",
      wrapLine(
        renderPlace(
          found.map(({ name }) => name),
          { schema, isPreview },
        ),
      ),
    );
  } else if (leaves?.length === 0) lines.push("the backups hold nothing of this selection");
  else lines.push(wrapLine(concludeNone(refused)));
  if (missing.length > 0) lines.push(wrapLine(`not restored: ${missing.map(({ name }) => name).join(", ")}`));
  lines.push(...renderRefused(refused));
  if (isCompared) for (const leaf of leaves ?? []) lines.push(...renderDifferences(leaf));
  return `${lines.join("\n")}\n`;
}

/** `2026-01-31 12:00:00` of an ISO time. */
const shortTime = (iso: string) => iso.slice(0, 19).replace("T", " ");

function renderPlace(names: readonly string[], { schema, isPreview }: Pick<Shown, "schema" | "isPreview">) {
  const leaves = renderCount(names.length, "leaf", "leaves");
  if (isPreview) return `${leaves} would be restored into the schema ${schema}`;
  const tables = names.length === 1 ? `as ${schema}.${names[0]}` : `as tables of the schema ${schema}`;
  return `${leaves} ${names.length === 1 ? "is" : "are"} restored ${tables}`;
}

function renderDifferences({ name, compared }: LeafOutcome): readonly string[] {
  if (compared === null) return [];
  const { parts, otherCoins } = compared;
  const others = otherCoins.map(
    ({ id, backed, live }) =>
      `  coin ${id} is ${backed} in the backup and ${live} here: do not trust what follows of it`,
  );
  if (parts.length + others.length === 0) return ["", `r3a.${name} has the same rows`];
  return [
    "",
    `r3a.${name}, compared with what is restored (restored -> live):`,
    ...others,
    ...parts.flatMap(renderPart),
  ];
}

function renderPart(part: ComparedPart): readonly string[] {
  const { coinId, symbol, interval, added, missing, changed, from, last, first } = part;
  const counts = [
    missing > 0 ? `lacks ${renderCount(missing, "row")}` : "",
    added > 0 ? `has ${renderCount(added, "row")} more` : "",
    changed > 0 ? `has ${renderCount(changed, "row")} with other values` : "",
  ].filter((each) => each !== "");
  const rows = first.map(({ at, kind, columns }) => {
    const values = columns.map(
      ({ name, restored, live }) => `${name} ${restored ?? "NULL"} -> ${live ?? "NULL"}`,
    );
    return wrapLine(`    ${renderTime(at)} ${kind}${values.length === 0 ? "" : `: ${values.join(", ")}`}`);
  });
  const more = added + missing + changed - first.length;
  const end = more === 0 ? [] : [`    and ${renderCount(more, "more row")}, the last of ${renderTime(last)}`];
  const span = first.length + more === 1 ? "" : `, ${renderTime(from)} to ${renderTime(last)}`;
  const name = `${symbol ?? `coin ${coinId}`} ${interval}`;
  return [wrapLine(`  ${name} ${counts.join(", ")}${span}`), ...rows, ...end];
}
