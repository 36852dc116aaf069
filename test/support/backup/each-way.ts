import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { withSession } from "../database/empty-database.ts";
import { temporaryFolder } from "../folder.ts";
import type { Result } from "../result-json.ts";
import { newKey } from "./object.ts";

type BackupSettings = Readonly<
  Record<"BACKUP_HOT" | "BACKUP_SPOOL" | "BACKUP_RECIPIENTS" | "BACKUP_IDENTITY", string>
>;

/** Settings of a backup with one tier in a new folder, and the key that restores it. */
export async function backupSettings(): Promise<BackupSettings> {
  const folder = temporaryFolder();
  const [hot, spool] = [join(folder, "hot"), join(folder, "spool")];
  for (const path of [hot, spool]) mkdirSync(path);
  const { recipient, identity } = await newKey();
  return {
    ...{ BACKUP_HOT: `file://${hot}`, BACKUP_SPOOL: spool },
    ...{ BACKUP_RECIPIENTS: recipient, BACKUP_IDENTITY: identity },
  };
}

type Run = (args: string, exit: number, more: Readonly<Record<string, string>>) => Promise<Result>;

/** Every form of the result of backup (the check, planned, done, with a tier that failed, with a suspect, left to others), and backups. */
export async function backUpEachWay(url: string, run: Run): Promise<void> {
  const settings = await backupSettings();
  const query = (sql: string) => withSession(url, (client) => client.query(sql));
  expect(await run("backup check --dry-run", 0, settings)).toMatchObject({ dryRun: true, check: true });
  expect(await run("backup check", 0, settings)).toMatchObject({ check: true, tiers: [{ tier: "hot" }] });
  expect(await run("backup --dry-run", 0, settings)).toMatchObject({ dryRun: true, kind: "daily", open: 0 });
  const away = { ...settings, BACKUP_WARM: `${settings.BACKUP_HOT}-away` };
  const first = await run("backup", 1, away);
  expect(first).toMatchObject({ kind: "daily", isWhole: true, tiers: [{ fault: null }, { manifest: null }] });
  expect(await run("backup --delta", 0, settings)).toMatchObject({ kind: "delta", found: 0 });
  await query(`update r3a.ohlcv_partitioned set close = close * 10 where ("timestamp", coin_id, "interval") in
    (select "timestamp", coin_id, "interval" from r3a.ohlcv_partitioned order by 1, 2, 3 limit 1)`);
  expect(await run("backup", 1, settings)).toMatchObject({ found: 1, open: 1 });
  expect(await run("backups", 0, settings)).toMatchObject({ backups: [{}, {}, {}], ledgerFault: null });
  await withSession(url, async (other) => {
    await other.query("select r3a_util.acquire_lock('backup-delta', 'global')");
    expect(await run("backup --delta", 0, settings)).toHaveProperty("skipped");
  });
  await query(`update r3a.ohlcv_partitioned set close = close / 10 where ("timestamp", coin_id, "interval") in
    (select "timestamp", coin_id, "interval" from r3a.ohlcv_partitioned order by 1, 2, 3 limit 1)`);
}
