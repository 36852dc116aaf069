import type { Restoration } from "../../db/restore/restoration.ts";
import { SettingsFault } from "../../errors.ts";
import { renderTime } from "../../time.ts";
import type { Wish } from "../candidates-plan.ts";

/**
 * Throws a SettingsFault where a wish is of a time before the restore that is under way. The tables are of one moment, and
 * leaves of an earlier one would lack what they say is stored.
 */
export function refuseOtherTime({ madeAt, manifest }: Restoration, { at }: Wish): void {
  if (at === null || at >= madeAt) return;
  throw new SettingsFault([
    `--at ${renderTime(at)} is before the backup whose restore is under way here (${manifest}): leave out --at, or drop the database and restore into a new one`,
  ]);
}
