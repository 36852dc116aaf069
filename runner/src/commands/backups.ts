import type { Context } from "../context.ts";
import { TIERS } from "../contract/tiers.ts";
import { listVerified } from "../db/backup/verified.ts";
import { bounded } from "../db/session.ts";
import { withDatabase } from "../db/with-database.ts";
import { messageOf, SettingsFault } from "../errors.ts";
import { exitOf, renderBackups, renderBackupsJson, type Verified } from "../restore/backups-text.ts";
import { type BackupList, listBackups } from "../restore/list-backups.ts";
import { STORE_SETTINGS } from "../settings/backup.ts";
import { oneOf, parseCount } from "../settings/parsers.ts";
import { SETTINGS } from "../settings/table.ts";
import { openStores } from "../store/open-store.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

const LAST = 20;
const MOST = 10_000;
/** The list is there without the ledger: a person who lost the database must not wait long for it. */
const LEDGER_MS = 10_000;

export const backups: Command = {
  name: "backups",
  examples: ["backups", "backups --tier cold --last 50", "backups --json"],
  define: (command) =>
    command
      .option("--tier <name>", "only this tier: hot, warm or cold (default: all that are set)")
      .option("--last <n>", `the newest n backups (default: ${LAST})`)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const tier = faults.take("--tier", options.tier, oneOf(TIERS)) ?? null;
    const last = faults.take("--last", options.last, (text) => parseCount(text, MOST)) ?? LAST;
    const hasDatabase = (context.env[SETTINGS.dbUrl.name] ?? "") !== "";
    const settings = hasDatabase
      ? faults.settings(context, ["dbUrl", ...STORE_SETTINGS])
      : { ...faults.settings(context, STORE_SETTINGS), dbUrl: null };
    const stores = await openStores(settings, (text) =>
      context.log.warn({ "event.name": "store_stranger" }, `[BACKUPS] ${text}`),
    );
    try {
      if (tier !== null && stores.every((store) => store.tier !== tier))
        throw new SettingsFault([`BACKUP_${tier.toUpperCase()} is not set, and --tier ${tier} asks for it`]);
      if (stores.length === 0)
        throw new SettingsFault([
          "BACKUP_HOT, BACKUP_WARM and BACKUP_COLD are not set: there is no backup to list",
        ]);
      const list = await listBackups(stores, { tier, last }, context.signal);
      const verified = await askLedger(context, settings.dbUrl, list);
      const render = options.json === true ? renderBackupsJson : renderBackups;
      context.print(render(list, verified, Date.now()));
      await context.printed();
      return exitOf(list);
    } finally {
      await Promise.all(stores.map((store) => store.close()));
    }
  },
};

/** Whatever keeps the ledger from answering is printed beside the list, and does not stop it. */
async function askLedger(
  context: Context,
  url: string | null,
  { backups: listed }: BackupList,
): Promise<Verified> {
  if (url === null) return { byTier: new Map(), fault: "DB_URL is not set" };
  const { signal } = context;
  try {
    const byTier = await withDatabase(context, { command: "backups", url, waitMs: null }, (db) =>
      bounded(db, { limitMs: LEDGER_MS, signal }, async (client) => {
        const found = new Map<string, ReadonlyMap<string, number>>();
        for (const [tier, ofTier] of Map.groupBy(listed, (backup) => backup.tier)) {
          const keys = [...new Set(ofTier.flatMap(({ objects }) => objects ?? []))];
          found.set(tier, await listVerified(client, { tier, keys }));
        }
        return found;
      }),
    );
    return { byTier, fault: null };
  } catch (error) {
    signal.throwIfAborted();
    return { byTier: new Map(), fault: messageOf(error) };
  }
}
