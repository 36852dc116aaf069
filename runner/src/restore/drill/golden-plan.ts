import type { Candle } from "../../candle/candle.ts";
import { pageMs } from "../../candle/page.ts";
import { isSameAsOld } from "../../candle/same-exchange.ts";
import type { Span } from "../../candle/span.ts";
import type { Interval } from "../../contract/intervals.ts";
import { renderTime } from "../../time.ts";

/** The values of a candle that the exchange says. Those that the old system did not have may be null. */
const VALUES = [
  "open",
  "high",
  "low",
  "close",
  "volume",
  "quoteVolume",
  "trades",
  "takerBase",
  "takerQuote",
  "closeTime",
] as const;

/** A restored candle; decimals as text, times in ms. `isOld`: taken over from the old system, which may have rounded it. */
export type GoldenCandle = {
  readonly symbol: string;
  readonly interval: Interval;
  readonly openTime: number;
  readonly isOld: boolean;
} & Readonly<Record<"open" | "high" | "low" | "close" | "volume", string>> &
  Readonly<Record<"quoteVolume" | "takerBase" | "takerQuote", string | null>> &
  Readonly<Record<"trades" | "closeTime", number | null>>;

/** Restored candles of one series that one request shows. */
export type GoldenPage = {
  readonly symbol: string;
  readonly interval: Interval;
  readonly span: Span;
  readonly candles: readonly GoldenCandle[];
};

/** The candles by requests: behind a long gap the next one is years away, and is left to the page that begins with it. */
export function planPages(candles: readonly GoldenCandle[]): readonly GoldenPage[] {
  const pages: GoldenPage[] = [];
  for (const own of Map.groupBy(candles, ({ symbol, interval }) => `${symbol} ${interval}`).values()) {
    let page: GoldenCandle[] = [];
    const close = () => {
      const [first, last] = [page[0], page.at(-1)];
      if (first === undefined || last === undefined) return;
      const { symbol, interval, openTime } = first;
      pages.push({ symbol, interval, span: { from: openTime, to: last.openTime + 1 }, candles: page });
    };
    for (const candle of own.toSorted((a, b) => a.openTime - b.openTime)) {
      const [first] = page;
      if (first !== undefined && candle.openTime >= first.openTime + pageMs(candle.interval)) {
        close();
        page = [];
      }
      page.push(candle);
    }
    close();
  }
  return pages;
}

/** How the restored candles of a page differ from what the exchange shows, a sentence each. */
export function compareGolden(
  { candles }: Pick<GoldenPage, "candles">,
  shown: readonly Candle[],
): readonly string[] {
  const shownAt = new Map(shown.map((candle) => [candle.openTime, candle]));
  return candles.flatMap((candle) => {
    const name = `${candle.symbol} ${candle.interval} ${renderTime(candle.openTime)}`;
    const other = shownAt.get(candle.openTime);
    if (other === undefined) return [`${name} is restored, and the exchange has no such candle`];
    if (candle.isOld && isSameAsOld(candle, other)) return [];
    const differing = VALUES.filter((value) => {
      const own = candle[value];
      return own !== null && plain(own) !== plain(other[value]);
    });
    if (differing.length === 0) return [];
    const texts = differing.map((value) => `${value} ${candle[value]} and not ${other[value]}`);
    return [`${name} is restored with ${texts.join(", ")}, as the exchange says`];
  });
}

/** One text for one number: 1.50 and 1.5 are equal, and floats lose digits. */
function plain(value: string | number): string {
  const text = String(value);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
