import { renderTable } from "../runner/src/render.ts";

/** One claim: a figure beside its limit, both from this run. */
export type Figure = {
  readonly claim: string;
  readonly value: number;
  readonly unit: string;
  readonly detail: string;
} & ({ readonly least: number } | { readonly most: number });

/** The peak memory of a process beside what a job may take. */
export function peakRss(what: string, mb: number, detail: string): Figure {
  return { claim: `peak RSS, ${what}`, value: mb, unit: "MB", most: 128, detail };
}

export function isKept(figure: Figure): boolean {
  return "least" in figure ? figure.value >= figure.least : figure.value <= figure.most;
}

export function renderFigures(figures: readonly Figure[]): string {
  return renderTable(
    ["claim", "figure", "limit", "", "measured"],
    figures.map((figure) => [
      figure.claim,
      `${round(figure.value)} ${figure.unit}`,
      "least" in figure ? `at least ${round(figure.least)}` : `at most ${round(figure.most)}`,
      isKept(figure) ? "ok" : "MISSED",
      figure.detail,
    ]),
  );
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error("no values");
  return middle;
}

/** How long the work takes, in ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

export function round(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(3);
}
