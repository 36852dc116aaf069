import { uuidv7 } from "uuidv7";
import { intersect, type Span } from "../candle/span.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";
import { listCoins } from "../db/coins.ts";
import { listNewestIn } from "../db/cover.ts";
import { loadSeries } from "../db/series.ts";
import { collectItems, exitCodeOrThrow } from "../run.ts";
import type { Plan, SeriesFacts } from "./fill-plan.ts";
import { type FillCommand, runCoins } from "./fill-run.ts";
import { type Work, type WorkSettings, withWork } from "./work.ts";

/** A leaf that was restored. */
export type RestoredLeaf = {
  readonly name: string;
  readonly span: Span;
  readonly intervals: readonly Interval[];
};

/** The end of a leaf is what a backup and a damaged table know least of. */
const LAST_CANDLES = 10;

/**
 * Asks the exchange for the last candles of each series in the leaf, and for all its gaps there that a run may ask for, due or
 * not. A run of its own in the ledger, which prints nothing. Throws as every sync does: TryAgain where the exchange is away.
 */
export async function fillLeaf(
  context: Context,
  settings: WorkSettings,
  leaf: RestoredLeaf,
): Promise<ExitCode> {
  const runId = uuidv7();
  const newest = new Map<string, number>();
  const own: Context = { ...context, runId, log: context.logOf(runId), print: () => {} };
  const fill: FillCommand = {
    command: "restore",
    args: `--damaged --leaf ${leaf.name} (its last candles and gaps)`,
    isBackground: true,
    asJson: false,
    acceptExchange: null,
    firstPolicy: "due",
    plan: (state, now) =>
      planLeafFill(state, leaf.span, {
        now,
        newest: newest.get(`${state.coinId} ${state.interval}`) ?? null,
      }),
  };
  return withWork(own, { ...fill, settings, isReadOnly: false }, (work) =>
    collectItems(async (items) => {
      await work.believed;
      const exits: ExitCode[] = [];
      for (const interval of leaf.intervals) {
        const coins = await listCovering(work, interval, leaf.span);
        if (coins.length === 0) continue;
        const coinIds = coins.map(({ coinId }) => coinId);
        for (const [coinId, at] of await listNewestIn(work.db, interval, { coinIds, span: leaf.span }))
          newest.set(`${coinId} ${interval}`, at);
        const result = await runCoins({ context: own, work, fill, interval, areNamed: false }, coins);
        items.push(...result.items);
        exits.push(exitCodeOrThrow(result));
      }
      return exits.every((exit) => exit === EXIT.done) ? EXIT.done : EXIT.failed;
    }),
  );
}

/**
 * The last stored candles, up to the one that opens at `newest` (ms; null: none is stored), and every gap that a run may ask for.
 * The end of the covered span is no measure: a backfill of half a month leaves slots behind its end that nobody has asked for.
 * Nothing where the series covers nothing of the leaf.
 */
export function planLeafFill(
  { interval, covered }: SeriesFacts,
  leaf: Span,
  { now, newest }: { readonly now: number; readonly newest: number | null },
): Plan {
  const within = covered === null ? null : intersect(covered, leaf);
  if (within === null) return { tasks: [], gaps: null };
  const end = newest === null ? within.from : newest + WIDTH_MS[interval];
  const last = intersect({ from: end - LAST_CANDLES * WIDTH_MS[interval], to: end }, within);
  return {
    tasks: last === null ? [] : [{ ...last, kind: "again" }],
    gaps: { which: "all", now, within, listed: null },
  };
}

/** A coin whose series lies elsewhere is not asked for; one whose row is broken is, so that its fault is said. */
async function listCovering({ db }: Work, interval: Interval, span: Span) {
  const coins = await listCoins(db, interval);
  const states = await loadSeries(
    db,
    interval,
    coins.map(({ coinId }) => coinId),
  );
  const covering = new Set(
    states
      .filter(
        ({ covered, fault }) =>
          fault !== undefined || (covered !== null && intersect(covered, span) !== null),
      )
      .map(({ coinId }) => coinId),
  );
  return coins.filter(({ coinId }) => covering.has(coinId));
}
