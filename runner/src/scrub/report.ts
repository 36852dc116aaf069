import type { Detector } from "../contract/damage.ts";
import type { Finding } from "../db/leaf/damage-rows.ts";

/**
 * `checked`: the detectors whose earlier findings are out of date where this look found nothing. `skipped`: why something could
 * not be looked at; null: all was.
 */
export type LeafReport = {
  readonly findings: readonly Finding[];
  readonly checked: readonly Detector[];
  readonly skipped: string | null;
};
