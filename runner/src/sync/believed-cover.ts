import { slotOf } from "../candle/interval.ts";
import { type Span, spanOf } from "../candle/span.ts";
import { WIDTH_MS } from "../contract/intervals.ts";
import { FARTHEST_MS } from "../contract/limits.ts";
import type { Database } from "../db/connect.ts";
import { cutCover, findNewestClosed } from "../db/cover.ts";
import type { SeriesState } from "../db/series.ts";
import type { Logger } from "../log.ts";
import { renderTime } from "../time.ts";

/**
 * What of the covered span can be true at `now` (ms, the exchange's clock). A series that covers time that has not come
 * is not asked for again until then, so the end is taken back. Beyond the database's clock as well: to the newest candle
 * that is stored and closed, since the gap behind it was found under a clock that was wrong. Beyond the exchange's alone,
 * which may be the one that is behind: never to less than what is stored.
 */
export async function believeCover(db: Database, state: SeriesState, now: number): Promise<Span | null> {
  const { covered, interval } = state;
  if (covered === null || covered.to <= now + FARTHEST_MS.clock) return covered;
  const width = WIDTH_MS[interval];
  const database = await findNewestClosed(db, state, now);
  const end = database.newest === null ? null : slotOf(interval, database.newest) + width;
  const isBeyondAll = covered.to > database.now + FARTHEST_MS.clock;
  const to = isBeyondAll ? end : Math.max(slotOf(interval, now), end ?? 0);
  return to === null ? null : spanOf(covered.from, Math.min(covered.to, to));
}

/** Writes that down, under the series' lock; `reload` reads the state anew. */
export async function takeBackCover(
  { db, log, reload }: { db: Database; log: Logger; reload: () => Promise<SeriesState> },
  state: SeriesState,
  now: number,
): Promise<SeriesState> {
  const { covered, symbol, interval } = state;
  const believed = await believeCover(db, state, now);
  if (covered === null || believed?.to === covered.to) return state;
  await cutCover(db, state, believed?.to ?? null);
  log.warn(
    { symbol, interval, "event.name": "cover_taken_back" },
    `[RUN] ${symbol} ${interval} was covered until ${renderTime(covered.to)}, which has not come: a clock was ahead once. All since ${believed === null ? "its start" : renderTime(believed.to)} is asked for again; candles of later times stay until theirs has come`,
  );
  return reload();
}
