import { mkdirSync } from "node:fs";
import { expect } from "vitest";
import { backupSettings } from "../backup/each-way.ts";
import { addMinutes } from "../backup/parts.ts";
import { withSession } from "../database/empty-database.ts";
import { temporaryFolder } from "../folder.ts";
import type { Result } from "../result-json.ts";

type Run = (args: string, exit: number, more: Readonly<Record<string, string>>) => Promise<Result>;

/** Every form of the result of seal: planned, done and refused, not due, held by a person, left to others. */
export async function sealEachWay(url: string, run: Run): Promise<void> {
  const warm = `${temporaryFolder()}/warm`;
  mkdirSync(warm);
  const settings = { ...(await backupSettings()), BACKUP_WARM: `file://${warm}` };
  await withSession(url, async (other) => {
    await other.query("select r3a_util.make_leaf('ohlcv_1m', '2023-01-01Z', '{}')");
    await other.query(addMinutes, [1, "2023-01-05Z", 10]);
  });
  // 2024 has candles that another test took away
  expect(await run("seal --dry-run", 0, settings)).toMatchObject({ dryRun: true, leaves: [{}, {}, {}] });
  await withSession(url, async (other) => {
    await other.query("insert into r3a.recovery_hold (reason) values ('a test')");
    expect(await run("seal", 3, settings)).toMatchObject({ held: "a test" });
    await other.query("delete from r3a.recovery_hold");
  });
  expect(await run("seal", 1, settings)).toMatchObject({
    ...{ held: null, stopped: null },
    leaves: [{ outcome: "refused" }, { outcome: "refused" }, { outcome: "sealed", rows: 10, pages: {} }],
  });
  expect(await run("seal --leaf ohlcv_1m_2023_01", 0, settings)).toMatchObject({
    leaves: [{ outcome: "left", why: "it is sealed" }],
  });
  await withSession(url, async (other) => {
    await other.query("select r3a_util.acquire_lock('seal', 'global')");
    expect(await run("seal", 0, settings)).toHaveProperty("skipped");
  });
}
