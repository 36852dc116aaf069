import { readLeafName } from "../archive/leaf-record.ts";
import { type BackupRequest, chooseDue, runBackup } from "../backup/backup-run.ts";
import { renderBackup, renderBackupJson, renderPlan, renderPlanJson } from "../backup/backup-text.ts";
import { checkTiers } from "../backup/check-run.ts";
import * as checked from "../backup/check-text.ts";
import type { Accepted } from "../backup/export-all.ts";
import { resultOf } from "../backup/ledger-result.ts";
import { previewBackup } from "../backup/preview.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import { isSymbol, parseSymbol } from "../contract/symbol.ts";
import { TIERS } from "../contract/tiers.ts";
import { findCoinId } from "../db/backup/manifest-rows.ts";
import type { Database } from "../db/connect.ts";
import { findHolder } from "../db/lock.ts";
import { renderArguments } from "../db/runs.ts";
import { refuseWhileLoading } from "../db/schema/restore-gate.ts";
import { withDatabase } from "../db/with-database.ts";
import { SettingsFault, UsageFault } from "../errors.ts";
import { renderSkipped } from "../result.ts";
import { type RunResult, withRun } from "../run.ts";
import { STORE_SETTINGS } from "../settings/backup.ts";
import { openStores } from "../store/open-store.ts";
import { type Command, collectFaults, type Faults, OPTION, parseReason, type RawOptions } from "./command.ts";

/** A leaf, and the coin whose parts are meant; `symbol` null: all. */
type Target = { readonly leaf: string; readonly symbol: string | null };

export const backup: Command = {
  name: "backup",
  examples: [
    "backup",
    "backup --delta",
    "backup check",
    "backup --dry-run",
    'backup --accept ohlcv_1m_2026_01:BTCUSDT --reason "mended by hand"',
  ],
  define: (command) =>
    command
      .argument(
        "[check]",
        "make no backup: try whether each tier takes an object, gives it back, and refuses to lose it",
      )
      .option("--delta", "only what changed since the last backup, to the tiers hot and warm")
      .option(
        "--accept <leaf[:symbol]>",
        "take what is suspect in this leaf as it is now: from then on it is what restores",
      )
      .option("--reason <sentence>", "why --accept is right; the ledger keeps it")
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, [what], options) {
    const faults = collectFaults();
    // an argument that is left out comes as an empty word
    if (what) return check(context, faults, { what, options });
    const target = faults.take("--accept", options.accept, parseTarget) ?? null;
    const reason = faults.take("--reason", options.reason, parseReason) ?? null;
    if ((options.accept === undefined) !== (options.reason === undefined))
      faults.note("--accept and --reason go together: say what is taken as it is, and why");
    if (options.delta === true && options.accept !== undefined)
      faults.note("--delta and --accept exclude each other: what is accepted is written whole");
    const kind = options.delta === true ? "delta" : "daily";
    const isPreview = options.dryRun === true;
    const needed = ["dbUrl", ...STORE_SETTINGS] as const;
    // a plan encrypts nothing
    const settings = isPreview
      ? { ...faults.settings(context, needed), backupRecipients: [], backupSpool: "" }
      : faults.settings(context, [...needed, "backupRecipients", "backupSpool"]);
    const stores = await openStores(settings, (text) =>
      context.log.warn({ "event.name": "store_stranger" }, `[BACKUP] ${text}`),
    );
    const base = {
      kind,
      stores,
      recipients: settings.backupRecipients,
      spool: settings.backupSpool,
    } as const;
    try {
      const due = chooseDue(kind, stores);
      return await withDatabase(context, { command: "backup", url: settings.dbUrl }, async (db) => {
        await refuseWhileLoading(db, {
          why: "a backup of what is loaded so far would restore less than the one before",
        });
        if (isPreview) {
          const plan = await previewBackup(db, { kind, due, signal: context.signal });
          context.print(options.json === true ? renderPlanJson(plan) : renderPlan(plan));
          return EXIT.done;
        }
        const accept =
          target === null || reason === null ? null : await findAccepted(db, { ...target, reason });
        const shown = {
          "--delta": options.delta === true,
          "--accept": textOf(options.accept),
          "--reason": reason,
        };
        const args = renderArguments([], shown);
        const asJson = options.json === true;
        return withRun({ context, db, command: "backup", args }, () =>
          run(context, db, { request: { ...base, accept }, asJson }),
        );
      });
    } finally {
      await Promise.all(stores.map((store) => store.close()));
    }
  },
};

/** Without the database: a tier can be checked before there is one. */
async function check(
  context: Context,
  faults: Faults,
  { what, options }: { readonly what: string; readonly options: RawOptions },
): Promise<ExitCode> {
  if (what !== "check")
    faults.note(`backup takes check and nothing else, not ${JSON.stringify(what.slice(0, 80))}`);
  for (const name of ["delta", "accept", "reason"])
    if (options[name] !== undefined) faults.note(`backup check and --${name} exclude each other`);
  const settings = faults.settings(context, STORE_SETTINGS);
  const { backupHot: hot, backupWarm: warm, backupCold: cold } = settings;
  const stores = await openStores(settings, (text) =>
    context.log.warn({ "event.name": "store_stranger" }, `[BACKUP] ${text}`),
  );
  try {
    const addresses = { hot, warm, cold };
    const tiers = stores.flatMap((store) => {
      const address = addresses[store.tier];
      return address === null ? [] : [{ store, address }];
    });
    if (tiers.length === 0)
      throw new SettingsFault([
        `no tier is set: set ${TIERS.map((tier) => `BACKUP_${tier.toUpperCase()}`).join(", ")} to where backups shall lie`,
      ]);
    const asJson = options.json === true;
    if (options.dryRun === true) {
      const render = asJson ? checked.renderCheckPlanJson : checked.renderCheckPlan;
      context.print(render(stores));
      return EXIT.done;
    }
    const found = await checkTiers(tiers, context.signal);
    context.print(asJson ? checked.renderCheckJson(found) : checked.renderCheck(found));
    return checked.exitOf(found);
  } finally {
    await Promise.all(stores.map((store) => store.close()));
  }
}

async function run(
  context: Context,
  db: Database,
  { request, asJson }: { readonly request: BackupRequest; readonly asJson: boolean },
): Promise<RunResult> {
  const result = await runBackup(context, db, request);
  if (result !== null) {
    context.print(asJson ? renderBackupJson(result) : renderBackup(result));
    return resultOf(result);
  }
  const holder = await findHolder(db, `backup-${request.kind}`, "global");
  const sentence = `another ${request.kind} backup is at work: ${holder ?? "it has just ended"}; nothing was done`;
  context.print(asJson ? renderSkipped("backup", sentence) : `${sentence}\n`);
  return { exitCode: EXIT.done };
}

function parseTarget(text: string): Target {
  const [leaf = "", symbol, ...more] = text.split(":");
  const parsed = symbol === undefined ? null : parseSymbol(symbol);
  try {
    if (more.length > 0 || (parsed !== null && !isSymbol(parsed))) throw new Error("too many parts");
    return { leaf: readLeafName(leaf, ""), symbol: parsed };
  } catch {
    // the fault of the form itself is a regular expression, which says nothing to a person
    throw new Error(
      `must be a leaf, or a leaf and a symbol, e.g. ohlcv_1m_2026_01:BTCUSDT, not ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
}

async function findAccepted(
  db: Database,
  { leaf, symbol, reason }: Target & { readonly reason: string },
): Promise<Accepted> {
  if (symbol === null) return { leaf, coinId: null, reason };
  const coinId = await findCoinId(db, symbol);
  if (coinId === null)
    throw new UsageFault([`--accept: no coin ${symbol} is stored; series lists the coins`]);
  return { leaf, coinId, reason };
}

function textOf(option: string | boolean | undefined): string | null {
  return typeof option === "string" ? option : null;
}
