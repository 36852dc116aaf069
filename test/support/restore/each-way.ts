import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { leafAt } from "../../../runner/src/partition/layout.ts";
import { newKey } from "../backup/object.ts";
import { expectExit } from "../candle/series.ts";
import { withSession } from "../database/empty-database.ts";
import { temporaryFolder } from "../folder.ts";
import { expectResult, type Result } from "../result-json.ts";
import type { World } from "../world.ts";
import { createMadeBackups } from "./made-backup.ts";

/**
 * Of the 1m leaf of a moment, each with --json: beside the live table a plan, a restore with damage that it shows, and one that
 * every backup is refused for; and of the live table a plan, one that mends, one that a hold stops, and one beside another run.
 */
export async function restoreEachWay(world: World, ms: number): Promise<readonly Result[]> {
  const leaf = leafAt("1m", ms);
  const [folder, spool, { identity, recipient }] = [temporaryFolder(), temporaryFolder(), await newKey()];
  const backups = { database: world.database, folders: [folder], spool, recipients: [recipient] };
  await createMadeBackups(backups).daily({ leaf, madeAt: "2024-05-11T02:00:00Z" });
  const env = { BACKUP_HOT: `file://${folder}`, BACKUP_IDENTITY: identity };
  const runWords = async (words: readonly string[], exit: number) => {
    const ended = await world.runWords(["restore", "--json", ...words], env);
    expectExit(ended, exit);
    return expectResult(ended);
  };
  const restore = (more: string, exit: number) =>
    runWords(`--to-schema beside --leaf ${leaf.name}${more}`.split(" "), exit);
  const mend = (exit: number, ...more: readonly string[]) =>
    runWords(["--damaged", "--leaf", leaf.name, ...more], exit);
  const plan = await restore(" --dry-run", 0);
  expect(plan).toMatchObject({ dryRun: true, leaves: [{ outcome: "planned", from: { tier: "hot" } }] });
  await world.database.query(`update r3a.${leaf.name} set close = close + 1`);
  const compared = await restore(" --compare", 1);
  expect(compared).toMatchObject({
    leaves: [{ outcome: "restored", differences: [{ first: [{}, {}, {}] }, {}] }],
  });
  await world.database.query("drop schema beside cascade");
  const planned = await mend(0, "--dry-run");
  expect(planned).toMatchObject({ dryRun: true, damaged: true, leaves: [{ outcome: "planned" }] });
  // earlier tests took the keys of the table away, without which no sync can store
  const mended = await mend(1);
  expect(mended).toMatchObject({
    leaves: [
      {
        outcome: "mended",
        after: [
          { step: "sync", isOk: false },
          { step: "verify", isOk: true },
          { step: "scrub", isOk: true },
        ],
      },
    ],
  });
  const held = await runWords(["--hold", "each form of the result"], 0);
  const prepared = await mend(3);
  expect(prepared).toMatchObject({ hold: "each form of the result", leaves: [{ outcome: "prepared" }] });
  const resumed = await runWords(["--resume"], 0);
  const skipped = await withSession(world.database.url, async (other) => {
    await other.query("select r3a_util.acquire_lock('restore', 'damaged')");
    return mend(0);
  });
  expect(skipped).toHaveProperty("skipped");
  await rm(join(folder, "objects"), { recursive: true });
  const refused = await restore("", 3);
  expect(refused).toMatchObject({ leaves: [{ outcome: "failed" }], refused: [{ tier: "hot" }] });
  return [plan, compared, refused, planned, mended, held, prepared, resumed, skipped];
}
