import { renderArguments, renderShard, renderSyncArguments } from "../db/runs.ts";
import type { Settings } from "../settings/table.ts";
import { renderTime } from "../time.ts";
import { planBackfill, planSync } from "./fill-plan.ts";
import type { FillRequest } from "./fill-run.ts";
import { type AskedSeries, SELECTION_SETTINGS, selectionOf } from "./selection.ts";
import { WORK_SETTINGS } from "./work.ts";

/** What `sync` and `backfill` do with their arguments and settings; `plan` shows the same. */

export const SYNC_SETTINGS = [
  ...WORK_SETTINGS,
  ...SELECTION_SETTINGS,
  "autoPeriod",
  "syncIntervals",
  "fallbackStart",
] as const;
type SyncSettings = Pick<Settings, (typeof SYNC_SETTINGS)[number]>;

export const BACKFILL_SETTINGS = [...WORK_SETTINGS, ...SELECTION_SETTINGS] as const;
type BackfillSettings = Pick<Settings, (typeof BACKFILL_SETTINGS)[number]>;

/** How a command prints, and why a person takes candles of another exchange; null where no person does. */
type Manner = { readonly asJson: boolean; readonly acceptExchange: string | null };

export function requestSync(asked: AskedSeries & Manner, settings: SyncSettings): FillRequest {
  const { interval, top, symbols, asJson, acceptExchange } = asked;
  const selection = selectionOf(asked, settings);
  return {
    settings,
    selection,
    fill: {
      command: "sync",
      args: renderSyncArguments(
        { interval, shard: selection.shard, top: top ?? null, symbols: symbols ?? null },
        acceptExchange,
      ),
      isBackground: false,
      asJson,
      acceptExchange,
      firstPolicy: settings.autoPeriod ? "at-times" : "daily",
      plan: (state, now) => planSync(state, { ...settings, now }),
    },
  };
}

/** `from` and `to` in ms; `again`: what is stored is asked for too. */
type AskedBackfill = AskedSeries &
  Manner & {
    readonly from: number;
    readonly to: number;
    readonly again: boolean;
    /** As it was typed; null or absent: it was not. */
    readonly source?: string | null;
  };

export function requestBackfill(asked: AskedBackfill, settings: BackfillSettings): FillRequest {
  const { interval, from, to, again, source = null, asJson, acceptExchange } = asked;
  const selection = selectionOf(asked, settings);
  return {
    settings,
    selection,
    fill: {
      command: "backfill",
      // all that another shell may have set otherwise stands in it, the end of the span too
      args: renderArguments([interval], {
        "--again": again,
        "--from": renderTime(from),
        "--to": renderTime(to),
        "--source": source,
        "--shard": renderShard(selection.shard),
        ...(selection.symbols === null ? { "--top": selection.size } : { "--symbols": selection.symbols }),
        "--accept-exchange": acceptExchange,
      }),
      isBackground: true,
      asJson,
      acceptExchange,
      firstPolicy: "always",
      plan: (state, now) => planBackfill(state, { wanted: { from, to }, now, again }),
    },
  };
}
