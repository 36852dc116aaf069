import type { Context } from "../context.ts";
import type { ExitCode } from "../contract/exits.ts";
import { TIERS, type Tier } from "../contract/tiers.ts";
import type { Database } from "../db/connect.ts";
import { renderArguments } from "../db/runs.ts";
import { withDatabase } from "../db/with-database.ts";
import { SettingsFault } from "../errors.ts";
import { type BesideRequest, restoreBeside } from "../restore/beside-run.ts";
import { exitOf, hasFindings, renderBeside, renderBesideJson } from "../restore/beside-text.ts";
import type { Wish } from "../restore/candidates-plan.ts";
import { reasonOfBeside } from "../restore/ledger-reason.ts";
import { exitOf as exitOfWhole, type WholeRequest } from "../restore/whole/whole-outcome.ts";
import { restoreWhole } from "../restore/whole/whole-run.ts";
import { renderWhole, renderWholeJson } from "../restore/whole/whole-text.ts";
import { type RunResult, withRun } from "../run.ts";
import { STORE_SETTINGS, type StoreSettings } from "../settings/backup.ts";
import { parseMoment } from "../settings/moment.ts";
import { oneOf, parseSymbols } from "../settings/parsers.ts";
import { parseLeafName, parseSchemaName } from "../settings/restore-words.ts";
import { SETTINGS } from "../settings/table.ts";
import { openStores } from "../store/open-store.ts";
import type { Store } from "../store/store.ts";
import {
  type Command,
  collectFaults,
  type Faults,
  OPTION,
  parsePeriod,
  parseReason,
  type RawOptions,
} from "./command.ts";

type BesideForm = Omit<BesideRequest, "stores" | "identity">;
/** `url` null: RESTORE_DB_URL names the target. */
type WholeForm = Omit<WholeRequest, "stores" | "identity"> & { readonly url: string | null };

export const restore: Command = {
  name: "restore",
  examples: [
    "restore --to-schema r3a_restored --leaf ohlcv_1m_2026_01 --dry-run",
    "restore --to-schema r3a_restored --leaf ohlcv_1m_2026_01 --compare",
    "restore --to-schema r3a_restored --symbols BTCUSDT --from 2026-01-01",
    "restore --all --dry-run",
    "restore --all --to postgresql://USER:PASSWORD@HOST:5432/NEW",
  ],
  define: (command) =>
    command
      .option(
        "--to-schema <name>",
        "restore into tables of this new schema, beside the live table, which stays as it is",
      )
      .option(
        "--all",
        "restore the whole database, into the empty one of RESTORE_DB_URL or --to, or go on with that",
      )
      .option("--leaf <name>", "only this leaf, e.g. ohlcv_1m_2026_01 (default: every leaf)")
      .option("--symbols <list>", "only these symbols of each leaf, e.g. BTCUSDT,eth/usdt")
      .option(
        "--from <time>",
        "only leaves with candles from then on, whole; forms as sync takes them: 2026-01-31, -7d",
      )
      .option(
        "--to <time|url>",
        "only leaves with candles before then; with --all the empty database, instead of RESTORE_DB_URL",
      )
      .option("--at <time>", "the newest backup that was made at that time or before (default: the newest)")
      .option("--tier <name>", "only from this tier: hot, warm or cold")
      .option(
        "--accept-loss <reason>",
        "with --all: what no backup can be restored from becomes open gaps, and the restore ends; the sentence is kept in the run",
      )
      .option("--compare", "print how the live rows differ from the restored ones; exit 1 where they do")
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    return options.all === true ? runWhole(context, options) : runBeside(context, options);
  },
};

async function runBeside(context: Context, options: RawOptions): Promise<ExitCode> {
  const faults = collectFaults();
  const form = parseBeside(faults, options);
  const needed = ["dbUrl", ...STORE_SETTINGS] as const;
  // a plan reads manifests alone, which are not encrypted
  const settings = form.isPreview
    ? { ...faults.settings(context, needed), backupIdentity: "" }
    : faults.settings(context, [...needed, "backupIdentity"]);
  return withStores(context, { settings, tier: form.wish.tier }, (stores) =>
    withDatabase(context, { command: "restore", url: settings.dbUrl }, (db) =>
      restoreLeaves(context, db, {
        request: { ...form, stores, identity: settings.backupIdentity },
        options,
      }),
    ),
  );
}

/** DB_URL is not read: its database may be lost. */
async function runWhole(context: Context, options: RawOptions): Promise<ExitCode> {
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
      return exitOfWhole(outcome);
    }),
  );
}

async function withStores(
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

function parseWish(faults: Faults, options: RawOptions): Wish {
  const now = Date.now();
  const at = faults.take("--at", options.at, (text) => parseMoment(text, now)) ?? null;
  return { at, tier: faults.take("--tier", options.tier, oneOf(TIERS)) ?? null };
}

/** What chooses leaves, or says where they go, has no sense for a whole database. */
const OF_BESIDE = ["toSchema", "leaf", "symbols", "from", "compare"] as const;

function parseWhole({ env }: Context, faults: Faults, options: RawOptions): WholeForm {
  const url = faults.take("--to", options.to, SETTINGS.dbUrl.parse);
  if (options.to === undefined && (env.RESTORE_DB_URL ?? "").trim() === "")
    faults.note(
      "RESTORE_DB_URL is not set and --to is missing: name an empty database, e.g. --to postgresql://USER:PASSWORD@HOST:5432/NEW",
    );
  const others = OF_BESIDE.filter((name) => options[name] !== undefined).map(
    (name) => `--${name === "toSchema" ? "to-schema" : name}`,
  );
  if (others.length > 0) faults.note(`--all and ${others.join(", ")} exclude each other`);
  const acceptLoss = faults.take("--accept-loss", options.acceptLoss, parseReason) ?? null;
  const isPreview = options.dryRun === true;
  return {
    url: options.to === undefined ? null : (url ?? ""),
    wish: parseWish(faults, options),
    isPreview,
    acceptLoss,
  };
}

function parseBeside(faults: Faults, options: RawOptions): BesideForm {
  const schema = faults.take("--to-schema", options.toSchema, parseSchemaName);
  if (options.toSchema === undefined)
    faults.note(
      "--to-schema is missing: name a new schema for the restored tables, e.g. --to-schema r3a_restored; or --all, for the whole database",
    );
  const leaf = faults.take("--leaf", options.leaf, parseLeafName) ?? null;
  const symbols = faults.take("--symbols", options.symbols, parseSymbols) ?? null;
  const { from, to } = parsePeriod(faults, options);
  if (options.acceptLoss !== undefined) faults.note("--accept-loss belongs to --all");
  if (leaf !== null && (from !== null || to !== null))
    faults.note("--leaf and --from or --to exclude each other");
  const [isPreview, isCompared] = [options.dryRun === true, options.compare === true];
  if (isPreview && isCompared)
    faults.note("--dry-run and --compare exclude each other: nothing is restored to be compared");
  const wish = parseWish(faults, options);
  const selection = { leaf, symbols, from, to };
  return { schema: schema ?? "", wish, selection, isPreview, isCompared };
}

async function restoreLeaves(
  context: Context,
  db: Database,
  { request, options }: { readonly request: BesideRequest; readonly options: RawOptions },
) {
  const { schema, selection, wish, isPreview } = request;
  const work = async (): Promise<RunResult> => {
    const outcome = await restoreBeside(context, db, request);
    const render = options.json === true ? renderBesideJson : renderBeside;
    context.print(render(outcome, request));
    const reason = reasonOfBeside(outcome);
    return { exitCode: exitOf(outcome), hasFindings: hasFindings(outcome), reason };
  };
  if (isPreview) return (await work()).exitCode;
  const args = renderArguments([], {
    "--to-schema": schema,
    "--leaf": selection.leaf,
    "--symbols": selection.symbols,
    "--from": textOf(options.from),
    "--to": textOf(options.to),
    "--at": textOf(options.at),
    "--tier": wish.tier,
    "--compare": request.isCompared,
  });
  return withRun({ context, db, command: "restore", args }, work);
}

function textOf(option: string | boolean | undefined): string | null {
  return typeof option === "string" ? option : null;
}
