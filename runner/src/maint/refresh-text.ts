import { renderNumber, renderTable } from "../render.ts";
import { renderResult } from "../result.ts";
import { DAY_MS, renderTime } from "../time.ts";
import type { Refreshed } from "./refresh-last-ts.ts";
import { kindOf } from "./refresh-plan.ts";

/** Changes that a person reads; the JSON has them all. */
const SHOWN = 50;
/** The last moment that a Date can hold. */
const LATEST_DATE_MS = 8.64e15;
/** The mean year of the calendar. */
const YEAR_MS = 365.2425 * DAY_MS;

/**
 * The table takes times up to the year 294276, and infinities, which a Date cannot hold; a person may have written one.
 */
function renderValue(ms: number): string {
  if (!Number.isFinite(ms)) return ms > 0 ? "infinity" : "-infinity";
  return Math.abs(ms) <= LATEST_DATE_MS ? renderTime(ms) : `year ${1970 + Math.floor(ms / YEAR_MS)}`;
}

export function renderRefreshJson({ changes, ...rest }: Refreshed, isPreview: boolean): string {
  const time = (ms: number | null) => (ms === null ? null : renderValue(ms));
  return renderResult("refresh-lastts", {
    ...(isPreview && { dryRun: true }),
    ...rest,
    changes: changes.map((change) => ({
      ...change,
      kind: kindOf(change),
      from: time(change.from),
      to: time(change.to),
    })),
  });
}

export function renderRefresh({ series, changes, busy }: Refreshed, isPreview: boolean): string {
  const left = busy === 0 ? "" : `; ${renderNumber(busy)} left to the syncs that are at them`;
  if (changes.length === 0)
    return `${renderNumber(series)} last timestamps match the stored candles${left}\n`;
  const table = renderTable(
    ["symbol", "interval", isPreview ? "would be" : "was", "from", "to"],
    changes
      .slice(0, SHOWN)
      .map((change) => [
        change.symbol,
        change.interval,
        kindOf(change),
        change.from === null ? "-" : renderValue(change.from),
        change.to === null ? "-" : renderValue(change.to),
      ]),
  );
  const more = changes.length > SHOWN ? `\n... and ${renderNumber(changes.length - SHOWN)} more` : "";
  const verb = isPreview ? "would be corrected" : "corrected";
  return `${table}${more}\n${renderNumber(changes.length)} of ${renderNumber(series)} ${verb}${left}\n`;
}
