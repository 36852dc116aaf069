import type { Context } from "../../context.ts";
import type { ExitCode } from "../../contract/exits.ts";
import { TIERS, type Tier } from "../../contract/tiers.ts";
import { SettingsFault } from "../../errors.ts";
import type { Wish } from "../../restore/candidates-plan.ts";
import type { StoreSettings } from "../../settings/backup.ts";
import { parseMoment } from "../../settings/moment.ts";
import { oneOf } from "../../settings/parsers.ts";
import { openStores } from "../../store/open-store.ts";
import type { Store } from "../../store/store.ts";
import type { Faults, RawOptions } from "../command.ts";

/** Opens the tiers that are set, runs `work` and closes them. `tier`: the one that a person asked for. */
export async function withStores(
  context: Context,
  { settings, tier }: { readonly settings: StoreSettings; readonly tier: Tier | null },
  work: (stores: readonly Store[]) => Promise<ExitCode>,
): Promise<ExitCode> {
  const stores = await openStores(settings, (text) =>
    context.log.warn({ "event.name": "store_stranger" }, `[RESTORE] ${text}`),
  );
  try {
    if (tier !== null && stores.every((store) => store.tier !== tier))
      throw new SettingsFault([`BACKUP_${tier.toUpperCase()} is not set, and --tier ${tier} asks for it`]);
    if (stores.length === 0)
      throw new SettingsFault([
        "BACKUP_HOT, BACKUP_WARM and BACKUP_COLD are not set: there is nothing to restore from",
      ]);
    return await work(stores);
  } finally {
    await Promise.all(stores.map((store) => store.close()));
  }
}

export function parseWish(faults: Faults, options: RawOptions): Wish {
  const now = Date.now();
  const at = faults.take("--at", options.at, (text) => parseMoment(text, now)) ?? null;
  return { at, tier: faults.take("--tier", options.tier, oneOf(TIERS)) ?? null };
}

export function textOf(option: string | boolean | undefined): string | null {
  return typeof option === "string" ? option : null;
}

/** Notes each option that another form of the command has. */
export function refuseOthers(
  faults: Faults,
  form: string,
  options: RawOptions,
  own: readonly string[],
): void {
  const others = Object.keys(options)
    .filter((name) => options[name] !== undefined && !own.includes(name))
    .map((name) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  if (others.length > 0) faults.note(`${form} and ${others.join(", ")} exclude each other`);
}
