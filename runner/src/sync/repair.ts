import type { GapState } from "../candle/gap.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import { INTERVALS, type Interval } from "../contract/intervals.ts";
import { type Coin, listCoins } from "../db/coins.ts";
import { listGaps, listSpans, sumUpGaps } from "../db/gap-list.ts";
import { findCoinsDue } from "../db/gap-reads.ts";
import { type RunItem, renderArguments } from "../db/runs.ts";
import { hasSeries } from "../db/series-list.ts";
import { refuseUnknown } from "../db/unknown-symbols.ts";
import { messageOf } from "../errors.ts";
import { collectItems, exitCodeOrThrow } from "../run.ts";
import type { Settings } from "../settings/table.ts";
import { weightShareOf } from "../weighed-exchange.ts";
import { type AskedSpans, createAskedSpans, createComparison } from "./asked-gaps.ts";
import { planRepair } from "./fill-plan.ts";
import { type FillCommand, type FillWork, runCoins } from "./fill-run.ts";
import { type Preview, previewFill, renderCost } from "./preview.ts";
import { recordOfPreview } from "./preview-run.ts";
import { createRepairReport, type StateAfter } from "./repair-report.ts";
import { type SyncSummary, summarizeSync } from "./summary.ts";
import { type Work, type WorkSettings, withWork } from "./work.ts";

export type RepairRequest = {
  readonly intervals: readonly Interval[];
  readonly symbols: readonly string[] | null;
  /** Also what is not due yet; never what nobody asked for. */
  readonly all: boolean;
  readonly isPreview: boolean;
  readonly asJson: boolean;
  readonly acceptExchange: string | null;
};

type Report = ReturnType<typeof createRepairReport>;

/**
 * A page of each series that is under way holds up to 500 gaps beside its candles: 60 series were 25 MB. A repair has the
 * time that a minute job has not, and so many series keep all places for pages taken.
 */
const SERIES_AT_ONCE = 16;

const UNREPAIRED: readonly GapState[] = [
  "open",
  "not_requested",
  "confirmed_absent",
  "before_listing",
  "after_delisting",
];

/**
 * Asks again for the gaps that are due, interval by interval, fine ones first; within the background's weight. Prints
 * what became of each gap, or why none was due and until when.
 */
export async function repairGaps(
  context: Context,
  settings: WorkSettings & Pick<Settings, "fallbackStart">,
  request: RepairRequest,
): Promise<ExitCode> {
  const fill: FillCommand = {
    command: "gaps",
    args: renderArguments([], {
      "--repair": true,
      "--all": request.all,
      "--intervals": request.intervals.length === INTERVALS.length ? null : request.intervals,
      "--symbols": request.symbols,
      "--accept-exchange": request.acceptExchange,
    }),
    isBackground: true,
    seriesAtOnce: SERIES_AT_ONCE,
    asJson: request.asJson,
    acceptExchange: request.acceptExchange,
    firstPolicy: request.all ? "always" : "due",
    plan: (state, now) => planRepair(state, now, request.all, settings.fallbackStart),
  };
  return withWork(context, { ...fill, settings, isReadOnly: request.isPreview }, (work) =>
    collectItems(async (items) => {
      await refuseUnknown(work.db, request.symbols);
      await work.believed;
      const report = createRepairReport(context, request);
      const weightShare = weightShareOf(settings, fill.isBackground);
      const [exits, previews, summaries]: [ExitCode[], Omit<Preview, "fault">[], SyncSummary[]] = [
        [],
        [],
        [],
      ];
      try {
        for (const interval of request.intervals) {
          const coins = await listCoinsToAsk(work, interval, request);
          if (coins.length === 0) continue;
          const job = { context, work, fill, interval, areNamed: request.symbols !== null };
          if (request.isPreview)
            previews.push(await previewRepair(job, { request, weightShare, coins, report }));
          else {
            const asked = await readAsked(work, interval, request);
            const result = await runCoins(job, coins);
            items.push(...result.items);
            summaries.push(...(await reportRepair(job, { coins, asked, items: result.items, report })));
            exits.push(exitCodeOrThrow(result));
          }
        }
      } finally {
        const faults = previews.flatMap(({ series }) => series.flatMap(({ fault }) => fault ?? []));
        const notes = [...faults, ...(previews.length === 0 ? [] : [renderCost(previews)])];
        const facts = { intervals: request.isPreview ? previews.map(recordOfPreview) : summaries };
        await report.end({ state: await stateOf(work, request), notes, facts });
      }
      return exits.every((exit) => exit === EXIT.done) ? EXIT.done : EXIT.failed;
    }),
  );
}

/** Null where the database is away: the run's error says so. */
async function stateOf({ db, locks }: Work, request: RepairRequest): Promise<StateAfter | null> {
  if (locks.lost.aborted) return null;
  const isNarrowed = request.symbols !== null || request.intervals.length < INTERVALS.length;
  try {
    const isStored = await hasSeries(db, { ...request, from: null, to: null });
    return { ...(await sumUpGaps(db, request)), isStored, isNarrowed };
  } catch {
    return null;
  }
}

/** The filter of the gaps that the repair asks for. */
function askedOf({ symbols, all }: RepairRequest, now: number) {
  const due = all ? { isAsked: true } : { dueBy: now };
  return { symbols, states: UNREPAIRED, from: null, to: null, ...due };
}

async function readAsked(
  { db, exchange }: Work,
  interval: Interval,
  request: RepairRequest,
): Promise<AskedSpans> {
  const spans = createAskedSpans();
  await listSpans(db, { ...askedOf(request, exchange.now()), interval }, spans.add);
  return spans.bySymbol;
}

type Repaired = {
  readonly coins: readonly Coin[];
  readonly asked: AskedSpans;
  readonly items: readonly RunItem[];
  readonly report: Report;
};

/** Reports on each gap; a log that cannot be read says nothing about the work, so it does not change how the run ends. */
async function reportRepair(
  { context, work, interval }: FillWork,
  { coins, asked, items, report }: Repaired,
): Promise<readonly SyncSummary[]> {
  const { db, exchange, locks } = work;
  if (locks.lost.aborted) return [];
  const symbolOf = new Map(coins.map(({ coinId, symbol }) => [coinId, symbol]));
  const itemOf = new Map(items.map((item) => [symbolOf.get(item.coinId) ?? "", item]));
  const comparison = createComparison({ interval, asked, items: itemOf, now: exchange.now() });
  try {
    const filter = { symbols: [...asked.keys()], intervals: [interval], states: UNREPAIRED };
    await listGaps(db, { ...filter, from: null, to: null, most: null }, async (part) => {
      for (const gap of part)
        for (const done of comparison.take({ ...gap, error: gap.evidence.error ?? null }))
          await report.add(done);
    });
    for (const done of comparison.end()) await report.add(done);
    return await summarizeSync(db, [interval], items, exchange.now());
  } catch (error) {
    context.log.warn({ "event.name": "no_summary" }, `[RUN] no report on the gaps: ${messageOf(error)}`);
    return [];
  }
}

type Planned = {
  readonly request: RepairRequest;
  readonly weightShare: number;
  readonly coins: readonly Coin[];
  readonly report: Report;
};

async function previewRepair(
  { context, work, fill, interval }: FillWork,
  { request, weightShare, coins, report }: Planned,
): Promise<Omit<Preview, "fault">> {
  const asked = { ...askedOf(request, work.exchange.now()), intervals: [interval], most: null };
  await listGaps(work.db, asked, async (part) => {
    for (const gap of part) await report.plan(gap);
  });
  const selection = {
    interval,
    symbols: coins.map(({ symbol }) => symbol),
    namedBy: "--symbols" as const,
    size: coins.length,
    shard: { index: 0, count: 1 },
  };
  const { fault: _, ...preview } = await previewFill(
    { ...work, log: context.log, weightShare },
    selection,
    fill,
  );
  return preview;
}

/** Those with a gap that is due; with `all` every coin of the interval, since its first candle is asked for again. */
async function listCoinsToAsk(
  { db, exchange }: Work,
  interval: Interval,
  { symbols, all }: RepairRequest,
): Promise<readonly Coin[]> {
  if (all) return (await listCoins(db, interval)).filter(({ symbol }) => symbols?.includes(symbol) ?? true);
  return findCoinsDue(db, interval, { symbols, now: exchange.now() });
}
