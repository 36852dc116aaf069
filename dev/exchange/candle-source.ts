import { candleBounds, createCandleReader, hasCandle } from "./generator.ts";
import { type Interval, intervalWidths, minuteWidth } from "./interval.ts";
import { createKlineText, type KlineRow } from "./kline-text.ts";
import type { MarketSymbol } from "./market.ts";
import { type CandleNumbers, createCandleNumbers } from "./minutes.ts";
import type { RecordedSeries } from "./recorded.ts";

export const pageLimit = 1000;

/** A klines question: both times in ms, inclusive on the open time. */
export type PageQuestion = {
  readonly entry: MarketSymbol;
  readonly interval: Interval;
  readonly startTime: number | null;
  readonly endTime: number | null;
  readonly limit: number;
};

export type CandleSource = {
  /** The JSON text of one klines answer as it is at `now` (ms). */
  readonly page: (question: PageQuestion, now: number) => Buffer;
  /** The last 1440 closed minutes before `now` (ms) as one row; null if none of them was traded. */
  readonly lastDay: (entry: MarketSymbol, now: number) => KlineRow | null;
};

// About 200 bytes each. Only candles of an hour and more are worth keeping.
const cachedCandles = 100_000;
const cachedFrom = intervalWidths["1h"];
// About 165 kB each. Only full pages of closed candles: they never change.
const cachedPages = 300;

type Page = { readonly bytes: Buffer; readonly rows: number; readonly closedAt: number };

/** Candles of generated markets, overlaid with recorded rows where there are any. */
export function createCandleSource(recorded: readonly RecordedSeries[]): CandleSource {
  const readers = new Map<string, ReturnType<typeof createCandleReader>>();
  const overlays = new Map(recorded.map((series) => [`${series.symbol} ${series.interval}`, series]));
  const cache = new Map<string, CandleNumbers>();
  const pages = new Map<string, Page>();
  const text = createKlineText(pageLimit);
  const scratch = createCandleNumbers();
  const days = new Map<string, { from: number; row: KlineRow | null }>();

  function readerOf(entry: MarketSymbol): ReturnType<typeof createCandleReader> {
    const known = readers.get(entry.symbol);
    if (known) return known;
    const created = createCandleReader(entry);
    readers.set(entry.symbol, created);
    return created;
  }

  function valuesOf(entry: MarketSymbol, open: number, width: number, now: number): CandleNumbers {
    if (width < cachedFrom || open + width > now) {
      readerOf(entry).read(open, width, now, scratch);
      return scratch;
    }
    const key = `${entry.symbol} ${width} ${open}`;
    const known = cache.get(key);
    if (known) return known;
    const values = createCandleNumbers();
    readerOf(entry).read(open, width, now, values);
    if (cache.size >= cachedCandles) cache.clear();
    cache.set(key, values);
    return values;
  }

  function listOpens(question: PageQuestion, overlay: RecordedSeries | undefined, now: number): number[] {
    const { entry, startTime, endTime, limit } = question;
    const width = intervalWidths[question.interval];
    const bounds = candleBounds(entry, width, now);
    const first = Math.max(bounds.first, Math.ceil((startTime ?? 0) / width) * width);
    const last = Math.min(bounds.last, Math.floor((endTime ?? now) / width) * width);
    const exists = (open: number): boolean =>
      hasCandle(entry, open, width, now) &&
      (!overlay?.spans.some((span) => open >= span.from && open < span.to) || overlay.rows.has(open));
    const opens: number[] = [];
    if (startTime !== null) {
      for (let open = first; open <= last && opens.length < limit; open += width)
        if (exists(open)) opens.push(open);
      return opens;
    }
    for (let open = last; open >= first && opens.length < limit; open -= width)
      if (exists(open)) opens.push(open);
    return opens.reverse();
  }

  function render(question: PageQuestion, now: number): Page {
    const { entry, interval } = question;
    const width = intervalWidths[interval];
    const overlay = overlays.get(`${entry.symbol} ${interval}`);
    const opens = listOpens(question, overlay, now);
    text.clear();
    for (const open of opens) {
      const row = open + width <= now ? overlay?.rows.get(open) : undefined;
      if (row) text.text(JSON.stringify(row));
      else text.row(entry, open, width, valuesOf(entry, open, width, now));
    }
    return { bytes: text.bytes(), rows: opens.length, closedAt: (opens.at(-1) ?? now) + width };
  }

  function readDay(entry: MarketSymbol, from: number): KlineRow | null {
    const to = from + intervalWidths["1d"];
    if (!hasCandle(entry, from, intervalWidths["1d"], to - 1)) return null;
    readerOf(entry).read(from, intervalWidths["1d"], to, scratch);
    text.clear();
    text.row(entry, from, intervalWidths["1d"], scratch);
    const [row] = JSON.parse(text.bytes().toString("latin1")) as KlineRow[];
    return row ?? null;
  }

  return {
    lastDay: (entry, now) => {
      const from = Math.floor(now / minuteWidth) * minuteWidth - intervalWidths["1d"];
      const known = days.get(entry.symbol);
      if (known?.from === from) return known.row;
      const row = readDay(entry, from);
      days.set(entry.symbol, { from, row });
      return row;
    },
    page: (question, now) => {
      const key = `${question.entry.symbol} ${question.interval} ${question.startTime} ${question.endTime} ${question.limit}`;
      const known = pages.get(key);
      // The clock may have been set back since the page was kept.
      if (known && now >= known.closedAt) return known.bytes;
      const page = render(question, now);
      if (page.rows === pageLimit && question.startTime !== null && now >= page.closedAt) {
        for (const oldest of pages.keys()) {
          if (pages.size < cachedPages) break;
          pages.delete(oldest);
        }
        pages.set(key, page);
      }
      return page.bytes;
    },
  };
}
