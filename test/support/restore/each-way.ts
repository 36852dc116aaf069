import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { leafAt } from "../../../runner/src/partition/layout.ts";
import { newKey } from "../backup/object.ts";
import { expectExit } from "../candle/series.ts";
import { temporaryFolder } from "../folder.ts";
import { expectResult, type Result } from "../result-json.ts";
import type { World } from "../world.ts";
import { createMadeBackups } from "./made-backup.ts";

/** Of the 1m leaf of a moment: a plan, a restore with damage that it shows, and one that every backup is refused for, each with --json. */
export async function restoreEachWay(world: World, ms: number): Promise<readonly Result[]> {
  const leaf = leafAt("1m", ms);
  const [folder, spool, { identity, recipient }] = [temporaryFolder(), temporaryFolder(), await newKey()];
  const backups = { database: world.database, folders: [folder], spool, recipients: [recipient] };
  await createMadeBackups(backups).daily({ leaf, madeAt: "2024-05-11T02:00:00Z" });
  const env = { BACKUP_HOT: `file://${folder}`, BACKUP_IDENTITY: identity };
  const restore = async (more: string, exit: number) => {
    const ended = await world.run(`restore --json --to-schema beside --leaf ${leaf.name}${more}`, env);
    expectExit(ended, exit);
    return expectResult(ended);
  };
  const plan = await restore(" --dry-run", 0);
  expect(plan).toMatchObject({ dryRun: true, leaves: [{ outcome: "planned", from: { tier: "hot" } }] });
  await world.database.query(`update r3a.${leaf.name} set close = close + 1`);
  const compared = await restore(" --compare", 1);
  expect(compared).toMatchObject({
    leaves: [{ outcome: "restored", differences: [{ first: [{}, {}, {}] }, {}] }],
  });
  await world.database.query("drop schema beside cascade");
  await rm(join(folder, "objects"), { recursive: true });
  const refused = await restore("", 3);
  expect(refused).toMatchObject({ leaves: [{ outcome: "failed" }], refused: [{ tier: "hot" }] });
  return [plan, compared, refused];
}
