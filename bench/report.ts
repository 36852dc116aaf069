import { renderTable } from "../runner/src/render.ts";

/** One claim: a figure beside its limit, both from this run. */
export type Figure = {
  readonly claim: string;
  readonly value: number;
  readonly unit: string;
  readonly limit: number;
  readonly best: "at least" | "at most";
  readonly detail: string;
};

export function isKept({ value, limit, best }: Figure): boolean {
  return best === "at least" ? value >= limit : value <= limit;
}

export function renderFigures(figures: readonly Figure[]): string {
  return renderTable(
    ["claim", "figure", "limit", "", "measured"],
    figures.map((figure) => [
      figure.claim,
      `${round(figure.value)} ${figure.unit}`,
      `${figure.best} ${round(figure.limit)}`,
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

export function round(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(3);
}
