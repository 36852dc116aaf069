import { readLeafName } from "../archive/leaf-record.ts";
import type { Context } from "../context.ts";
import { TIERS } from "../contract/tiers.ts";
import type { Database } from "../db/connect.ts";
import { renderArguments } from "../db/runs.ts";
import { withDatabase } from "../db/with-database.ts";
import { SettingsFault } from "../errors.ts";
import { type BesideRequest, restoreBeside } from "../restore/beside-run.ts";
import { exitOf, hasFindings, renderBeside, renderBesideJson } from "../restore/beside-text.ts";
import { type RunResult, withRun } from "../run.ts";
import { STORE_SETTINGS } from "../settings/backup.ts";
import { parseMoment } from "../settings/moment.ts";
import { oneOf, parseSymbols } from "../settings/parsers.ts";
import { openStores } from "../store/open-store.ts";
import { type Command, collectFaults, type Faults, OPTION, parsePeriod, type RawOptions } from "./command.ts";

type Request = Omit<BesideRequest, "stores" | "identity">;

export const restore: Command = {
  name: "restore",
  examples: [
    "restore --to-schema r3a_restored --leaf ohlcv_1m_2026_01 --dry-run",
    "restore --to-schema r3a_restored --leaf ohlcv_1m_2026_01 --compare",
    "restore --to-schema r3a_restored --symbols BTCUSDT --from 2026-01-01 --to 2026-02-01",
  ],
  define: (command) =>
    command
      .option(
        "--to-schema <name>",
        "restore into tables of this new schema, beside the live table, which stays as it is",
      )
      .option("--leaf <name>", "only this leaf, e.g. ohlcv_1m_2026_01 (default: every leaf)")
      .option("--symbols <list>", "only these symbols of each leaf, e.g. BTCUSDT,eth/usdt")
      .option(
        "--from <time>",
        "only leaves with candles from then on, whole; forms as sync takes them: 2026-01-31, -7d",
      )
      .option("--to <time>", "only leaves with candles before then")
      .option("--at <time>", "the newest backup that was made at that time or before (default: the newest)")
      .option("--tier <name>", "only from this tier: hot, warm or cold")
      .option("--compare", "print how the live rows differ from the restored ones; exit 1 where they do")
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const request = parseRequest(faults, options);
    const needed = ["dbUrl", ...STORE_SETTINGS] as const;
    // a plan reads manifests alone, which are not encrypted
    const settings = request.isPreview
      ? { ...faults.settings(context, needed), backupIdentity: "" }
      : faults.settings(context, [...needed, "backupIdentity"]);
    const stores = await openStores(settings, (text) =>
      context.log.warn({ "event.name": "store_stranger" }, `[RESTORE] ${text}`),
    );
    const { tier } = request.wish;
    if (tier !== null && stores.every((store) => store.tier !== tier))
      throw new SettingsFault([`BACKUP_${tier.toUpperCase()} is not set, and --tier ${tier} asks for it`]);
    if (stores.length === 0)
      throw new SettingsFault([
        "BACKUP_HOT, BACKUP_WARM and BACKUP_COLD are not set: there is nothing to restore from",
      ]);
    const whole = { ...request, stores, identity: settings.backupIdentity };
    try {
      return await withDatabase(context, { command: "restore", url: settings.dbUrl }, (db) =>
        run(context, db, { request: whole, options }),
      );
    } finally {
      await Promise.all(stores.map((store) => store.close()));
    }
  },
};

function parseRequest(faults: Faults, options: RawOptions): Request {
  const now = Date.now();
  const schema = faults.take("--to-schema", options.toSchema, parseSchemaName);
  if (options.toSchema === undefined)
    faults.note(
      "--to-schema is missing: name a new schema for the restored tables, e.g. --to-schema r3a_restored",
    );
  const leaf = faults.take("--leaf", options.leaf, parseLeafName) ?? null;
  const symbols = faults.take("--symbols", options.symbols, parseSymbols) ?? null;
  const { from, to } = parsePeriod(faults, options);
  if (leaf !== null && (from !== null || to !== null))
    faults.note("--leaf and --from or --to exclude each other");
  const at = faults.take("--at", options.at, (text) => parseMoment(text, now)) ?? null;
  const tier = faults.take("--tier", options.tier, oneOf(TIERS)) ?? null;
  const [isPreview, isCompared] = [options.dryRun === true, options.compare === true];
  if (isPreview && isCompared)
    faults.note("--dry-run and --compare exclude each other: nothing is restored to be compared");
  return {
    schema: schema ?? "",
    wish: { at, tier },
    selection: { leaf, symbols, from, to },
    isPreview,
    isCompared,
  };
}

async function run(
  context: Context,
  db: Database,
  { request, options }: { readonly request: BesideRequest; readonly options: RawOptions },
) {
  const { schema, selection, wish, isPreview } = request;
  const work = async (): Promise<RunResult> => {
    const outcome = await restoreBeside(context, db, request);
    const render = options.json === true ? renderBesideJson : renderBeside;
    context.print(render(outcome, request));
    return { exitCode: exitOf(outcome), hasFindings: hasFindings(outcome) };
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

/** A plain name, which is no schema that anything else lives in. */
function parseSchemaName(text: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(text))
    throw new Error(
      `must be a plain name in small letters, e.g. r3a_restored, not ${JSON.stringify(text.slice(0, 80))}`,
    );
  if (/^(public|r3a|r3a_util|information_schema|pg_.*)$/.test(text))
    throw new Error(`must be a schema of its own: ${text} has tables that a restore must not touch`);
  return text;
}

/** The fault of the form itself is a regular expression, which says nothing to a person. */
function parseLeafName(text: string): string {
  try {
    return readLeafName(text, "");
  } catch {
    throw new Error(`${JSON.stringify(text.slice(0, 80))} is no name of a leaf, such as ohlcv_1m_2026_01`);
  }
}
