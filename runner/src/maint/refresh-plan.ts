/** A series by its key. The interval is any text: the table may hold one that the system does not know (any more). */
export type SeriesKey = { readonly coinId: number; readonly interval: string };

/** Open time (ms) of a series' newest candle. */
export type LastTs = SeriesKey & { readonly lastTs: number };

/** What the table says of a series, null where it says nothing. */
export type KnownSeries = SeriesKey & { readonly lastTs: number | null };

/** What the table says of a series (`from`) and what the candles say (`to`), ms; null: nothing. They differ. */
export type Change = SeriesKey & { readonly from: number | null; readonly to: number | null };

export type ChangeKind = "added" | "raised" | "lowered" | "removed";

export function kindOf({ from, to }: Change): ChangeKind {
  if (from === null) return "added";
  if (to === null) return "removed";
  return to > from ? "raised" : "lowered";
}

export function seriesKey({ coinId, interval }: SeriesKey): string {
  return `${coinId} ${interval}`;
}

/**
 * Where table and candles differ. Without `mayLower` nothing is lowered or removed: the newest candle of a series may
 * lie in a leaf that was not read.
 */
export function planRefresh(
  known: readonly KnownSeries[],
  stored: readonly LastTs[],
  mayLower: boolean,
): readonly Change[] {
  const candles = new Map(stored.map((row) => [seriesKey(row), row.lastTs]));
  return known
    .map(({ coinId, interval, lastTs }): Change => {
      return { coinId, interval, from: lastTs, to: candles.get(seriesKey({ coinId, interval })) ?? null };
    })
    .filter((change) => {
      if (change.from === change.to) return false;
      return mayLower || kindOf(change) === "added" || kindOf(change) === "raised";
    });
}
