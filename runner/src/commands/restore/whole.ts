import type { Context } from "../../context.ts";
import type { ExitCode } from "../../contract/exits.ts";
import { withDatabase } from "../../db/with-database.ts";
import { exitOf, type WholeRequest } from "../../restore/whole/whole-outcome.ts";
import { restoreWhole } from "../../restore/whole/whole-run.ts";
import { renderWhole, renderWholeJson } from "../../restore/whole/whole-text.ts";
import { STORE_SETTINGS } from "../../settings/backup.ts";
import { SETTINGS } from "../../settings/table.ts";
import { collectFaults, type Faults, parseReason, type RawOptions } from "../command.ts";
import { parseWish, refuseOthers, withStores } from "./stores.ts";

/** `url` null: RESTORE_DB_URL names the target. */
type WholeForm = Omit<WholeRequest, "stores" | "identity"> & { readonly url: string | null };

/** DB_URL is not read: its database may be lost. */
export async function runWhole(context: Context, options: RawOptions): Promise<ExitCode> {
  const faults = collectFaults();
  const { url: named, ...form } = parseWhole(context, faults, options);
  const needed = [...STORE_SETTINGS, ...(named === null ? (["restoreDbUrl"] as const) : [])] as const;
  const settings = form.isPreview
    ? { ...faults.settings(context, needed), backupIdentity: "" }
    : faults.settings(context, [...needed, "backupIdentity"]);
  const url = named ?? settings.restoreDbUrl ?? "";
  const address = named === null ? "RESTORE_DB_URL" : "--to";
  return withStores(context, { settings, tier: form.wish.tier }, (stores) =>
    withDatabase(context, { command: "restore", url, address, waitMs: null }, async (db) => {
      const outcome = await restoreWhole(context, db, { ...form, stores, identity: settings.backupIdentity });
      context.print((options.json === true ? renderWholeJson : renderWhole)(outcome, form));
      return exitOf(outcome);
    }),
  );
}

const OF_WHOLE = ["all", "to", "at", "tier", "acceptLoss", "dryRun", "deadline", "json"];

function parseWhole({ env }: Context, faults: Faults, options: RawOptions): WholeForm {
  const url = faults.take("--to", options.to, SETTINGS.dbUrl.parse);
  if (options.to === undefined && (env.RESTORE_DB_URL ?? "").trim() === "")
    faults.note(
      "RESTORE_DB_URL is not set and --to is missing: name an empty database, e.g. --to postgresql://USER:PASSWORD@HOST:5432/NEW",
    );
  // what chooses leaves, or says where they go, has no sense for a whole database
  refuseOthers(faults, "--all", options, OF_WHOLE);
  const acceptLoss = faults.take("--accept-loss", options.acceptLoss, parseReason) ?? null;
  const isPreview = options.dryRun === true;
  return {
    url: options.to === undefined ? null : (url ?? ""),
    wish: parseWish(faults, options),
    isPreview,
    acceptLoss,
  };
}
