import type { Interval } from "../contract/intervals.ts";
import type { Finding } from "../db/leaf/damage-rows.ts";
import type { ReadablePages } from "../db/scrub/readable-pages.ts";
import { renderCount } from "../render.ts";
import { renderTime } from "../time.ts";

/** The candles of one coin and interval. */
type Part = { readonly coinId: number; readonly interval: Interval };
/** A candle that is not as the backups restore it; `at` (ms) null: some candle of the part. */
type OddCandle = Part & { readonly at: number | null; readonly kind: "changed" | "vanished" | "content" };

/** What a look at a leaf beside the ledger of backups says: LeafBeside of the backups. */
export type LeafLook = {
  readonly rows: number;
  readonly odd: readonly OddCandle[];
  readonly open: number;
  readonly written: readonly Part[];
};

/** Symbols by the id of the coin. */
type Symbols = ReadonlyMap<number, string>;

/**
 * What the look found. `isSealed`: nobody may have written to the leaf, so a part with other rows is damage, though a backup of
 * an open leaf would take these rows.
 */
export function listFindings(look: LeafLook, symbols: Symbols, isSealed: boolean): readonly Finding[] {
  const of = (...kinds: readonly OddCandle["kind"][]) => look.odd.filter(({ kind }) => kinds.includes(kind));
  const [vanished, changed] = [of("vanished"), of("changed", "content")];
  const strange = isSealed ? look.written : [];
  const findings: Finding[] = [];
  if (vanished.length > 0)
    findings.push({
      detector: "slots",
      detail: `backups restore candles that are not there: ${describe(vanished, symbols)}`,
    });
  if (changed.length > 0)
    findings.push({
      detector: "content",
      detail: `candles are not as backups restore them, and nothing explains it: ${describe(changed, symbols)}`,
    });
  else if (strange.length > 0)
    findings.push({
      detector: "content",
      detail: `the leaf is sealed, and rows came past its guard: ${strange.map((part) => nameOf(part, symbols)).join(", ")}`,
    });
  if (look.open > 0)
    findings.push({
      detector: "suspects",
      detail: `${renderCount(look.open, "candle is", "candles are")} suspect since a backup: ${describe(look.odd, symbols)}`,
    });
  return findings;
}

/** What of the table cannot be read, and how much can. */
export function describePages(words: string, { pages, rows, unreadable, isWhole }: ReadablePages): string {
  const ranges = unreadable.map(({ from, to }) => (to === from + 1 ? `${from}` : `${from} to ${to - 1}`));
  const count = unreadable.reduce((sum, { from, to }) => sum + to - from, 0);
  const more = ranges.length > MOST_RANGES ? ` and ${ranges.length - MOST_RANGES} more places` : "";
  const which = `${renderCount(count, "block")} of ${pages} ${isWhole ? "cannot be read" : "were not read, as so many places are damaged"}: ${ranges.slice(0, MOST_RANGES).join(", ")}${more}`;
  return `${which}; ${renderCount(rows, "row")} can be read; ${words}`;
}

/** For each part how many rows are there less than the backups restore. */
export function describeLacking(
  parts: readonly (Part & { readonly lacking: number })[],
  symbols: Symbols,
): string {
  const each = parts.toSorted((a, b) => b.lacking - a.lacking);
  return `backups restore candles that are not there: ${each.map((part) => `${nameOf(part, symbols)} ${part.lacking}`).join(", ")}`;
}

const MOST_RANGES = 10;

const nameOf = ({ coinId, interval }: Part, symbols: Symbols) =>
  `${symbols.get(coinId) ?? `coin ${coinId}`} ${interval}`;

/** `BTCUSDT 1m 3 of 2024-05-03T00:00:00Z to 2024-05-03T00:02:00Z, ETHUSDT 1m`: parts with the most candles come first. */
function describe(odd: readonly OddCandle[], symbols: Symbols): string {
  const parts = [...Map.groupBy(odd, (candle) => nameOf(candle, symbols))].toSorted(
    ([, a], [, b]) => b.length - a.length,
  );
  return parts
    .map(([name, candles]) => {
      const times = candles.flatMap(({ at }) => at ?? []).toSorted((a, b) => a - b);
      const [first, last] = [times[0], times.at(-1)];
      if (first === undefined || last === undefined || times.length < candles.length) return name;
      const span = first === last ? renderTime(first) : `${renderTime(first)} to ${renderTime(last)}`;
      return `${name} ${times.length} of ${span}`;
    })
    .join(", ");
}
