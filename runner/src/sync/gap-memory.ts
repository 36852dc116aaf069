import type { Gap } from "../candle/gap.ts";
import { between, hull, type Span, spanOf } from "../candle/span.ts";
import type { SeriesState } from "../db/series.ts";

/** How the gap log is read; both by time, spans closed at both ends for `touching`. */
export type GapSource = {
  readonly touching: (span: Span) => Promise<readonly Gap[]>;
  readonly delisted: (span: Span) => Promise<readonly Gap[]>;
};

type Changed = { readonly gaps: readonly Gap[]; readonly commit: Promise<unknown> };

/** The gaps that the next page of a series needs to know. */
export type GapMemory = {
  /** The state with all gaps that the page touches or refutes. `newest`: open time of its newest candle, ms. */
  withGapsOf(state: SeriesState, page: Span, newest: number | null): Promise<SeriesState>;
  /** Takes the gaps that the page changed; until `commit` is over the database does not know of them. */
  changed(state: SeriesState, page: Span, changed: Changed): void;
};

/**
 * Knows the gaps around the last page alone and reads those of another place: memory and time of a series grow with
 * its pages under way, not with its log (100,000 gaps were 192 MB). The end of a series is there from the start, so a
 * minute job reads nothing.
 */
export function createGapMemory(start: SeriesState, source: GapSource): GapMemory {
  let gaps = start.gaps;
  // all gaps that reach into this, edges included, are among them
  let [from, to] = [start.gapsFrom, Number.POSITIVE_INFINITY];
  const underway = new Set<readonly Gap[]>();

  const read = async (find: (span: Span) => Promise<readonly Gap[]>, span: Span) => {
    // a page whose commit ends while we read may be in the answer or not: its rows count in both cases
    const before = [...underway];
    const rows = new Map((await find(span)).map((gap) => [gap.id, gap]));
    for (const gap of before.flat()) {
      if (gap.state !== "repaired" && gap.from <= span.to && gap.to >= span.from) rows.set(gap.id, gap);
      else rows.delete(gap.id);
    }
    return [...rows.values()].toSorted((a, b) => a.from - b.from);
  };

  return {
    async withGapsOf(state, page, newest) {
      const { covered } = state;
      // a gap can lie outside the covered span, because a person wrote it or the cover was cut: the time between the two
      // is logged as a gap too
      const skipped = covered === null ? null : between(covered, page);
      const asked = skipped === null ? page : hull(page, skipped);
      const isKnown = asked.from >= from && asked.to <= to;
      const touching = isKnown ? gaps : await read(source.touching, asked);
      if (!isKnown) to = asked.to;
      if (covered === null) return { ...state, gaps: touching };
      const stretch = newest === null ? null : spanOf(state.lastTs ?? covered.from, page.from);
      if (stretch === null || stretch.from >= from) return { ...state, gaps: touching };
      const ids = new Set(touching.map(({ id }) => id));
      const refuted = (await read(source.delisted, stretch)).filter(
        (gap) => !ids.has(gap.id) && gap.state === "after_delisting",
      );
      return { ...state, gaps: [...refuted, ...touching] };
    },
    changed({ gaps: all }, page, { gaps: changed, commit }) {
      // pages come oldest first: what lies behind the last one is forgotten, what lies ahead was read and stays
      gaps = all.filter((gap) => gap.to >= page.from);
      from = page.from;
      if (changed.length === 0) return;
      underway.add(changed);
      const forget = () => underway.delete(changed);
      commit.then(forget, forget);
    },
  };
}
