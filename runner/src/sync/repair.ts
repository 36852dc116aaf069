import { isDue } from "../candle/gap.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode, type Interval } from "../contract.ts";
import type { Coin } from "../db/coins.ts";
import { type ListedGap, listGaps } from "../db/gaps.ts";
import { type FillCommand, fillCoins } from "./fill-run.ts";
import { planRepair } from "./plan.ts";
import { previewFill, renderPreview } from "./preview.ts";
import { BACKGROUND_WEIGHT_SHARE, type Work, type WorkSettings, withWork } from "./work.ts";

export type RepairWish = {
  readonly intervals: readonly Interval[];
  readonly symbols: readonly string[] | null;
  /** Also what is not due yet. */
  readonly all: boolean;
  readonly isPreview: boolean;
  readonly asJson: boolean;
};

/** Asks again for the gaps that are due, interval by interval, fine ones first; within the background's weight. */
export async function repairGaps(
  context: Context,
  settings: WorkSettings,
  wish: RepairWish,
): Promise<ExitCode> {
  const fill: FillCommand = {
    command: "gaps",
    args: `--repair${wish.all ? " --all" : ""}`,
    isBackground: true,
    asJson: wish.asJson,
    plan: (state, now) => planRepair(state, now, wish.all),
  };
  return withWork(context, settings, { ...fill, isReadOnly: wish.isPreview }, async (work) => {
    let worst: ExitCode = EXIT.done;
    for (const interval of wish.intervals) {
      const coins = await listCoinsWithGaps(work, interval, wish);
      if (coins.length === 0) continue;
      if (wish.isPreview) {
        const selection = {
          interval,
          symbols: coins.map(({ symbol }) => symbol),
          size: coins.length,
          shard: { index: 0, count: 1 },
        };
        const preview = await previewFill(work, selection, BACKGROUND_WEIGHT_SHARE, fill.plan);
        context.print(`${wish.asJson ? JSON.stringify(preview) : renderPreview(preview)}\n`);
      } else if ((await fillCoins(context, work, fill, { interval }, coins)) !== EXIT.done) {
        worst = EXIT.failed;
      }
    }
    return worst;
  });
}

async function listCoinsWithGaps(
  { db, exchange }: Work,
  interval: Interval,
  wish: RepairWish,
): Promise<readonly Coin[]> {
  const states = ["open", "confirmed_absent", "after_delisting"] as const;
  const found = await listGaps(db, {
    states,
    symbols: wish.symbols,
    intervals: [interval],
    from: null,
    to: null,
  });
  const isAsked = (gap: ListedGap) => wish.all || isDue(gap, exchange.now());
  const coins = new Map(found.filter(isAsked).map(({ coinId, symbol }) => [coinId, { coinId, symbol }]));
  return [...coins.values()];
}
