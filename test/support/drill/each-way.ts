import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, inject } from "vitest";
import { newKey } from "../backup/object.ts";
import { withSession } from "../database/empty-database.ts";
import { temporaryFolder } from "../folder.ts";
import type { Result } from "../result-json.ts";

type Run = (args: string, exit: number, more: Readonly<Record<string, string>>) => Promise<Result>;

/** Every form of the result of drill, of an empty database: planned, of a tier without a backup, open, and left to others. */
export async function drillEachWay(url: string, run: Run): Promise<void> {
  const folder = temporaryFolder();
  for (const name of ["hot", "cold", "spool"]) mkdirSync(join(folder, name));
  const { identity, recipient } = await newKey();
  const env = {
    DB_URL: url,
    ...{ BACKUP_HOT: `file://${folder}/hot`, BACKUP_SPOOL: join(folder, "spool") },
    ...{ BACKUP_RECIPIENTS: recipient, BACKUP_IDENTITY: identity, DRILL_DB_URL: inject("adminUrl") },
  };
  const drill = "drill --accept-same-server";
  const empty = { ...env, BACKUP_COLD: `file://${folder}/cold` };
  await run("backup", 0, env);
  expect(await run(`${drill} --dry-run`, 0, env)).toMatchObject({ dryRun: true, tier: "hot" });
  expect(await run(`${drill} --tier cold`, 3, empty)).toMatchObject({ verdict: "failed", manifest: null });
  expect(await run(drill, 75, env)).toMatchObject({
    ...{ verdict: "open", faults: [], damage: { reason: expect.stringContaining("objects/") } },
    open: ["no candle of a symbol that is traded is restored"],
  });
  await withSession(url, async (other) => {
    await other.query("select r3a_util.acquire_lock('drill', 'global')");
    expect(await run(drill, 0, env)).toHaveProperty("skipped");
  });
}
