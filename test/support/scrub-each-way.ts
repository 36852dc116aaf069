import { expect } from "vitest";
import { withSession } from "./database/empty-database.ts";
import type { Result } from "./result-json.ts";

type Run = (args: string, exit: number, more: Readonly<Record<string, string>>) => Promise<Result>;

/** Every form of the result of scrub: planned, left to others, with a finding, and clean. Backups know the leaf. */
export async function scrubEachWay(url: string, run: Run): Promise<void> {
  expect(await run("scrub --dry-run", 0, {})).toMatchObject({ dryRun: true });
  await withSession(url, async (other) => {
    await other.query("select r3a_util.acquire_lock('scrub', 'global')");
    expect(await run("scrub", 0, {})).toHaveProperty("skipped");
  });
  const found = await run("scrub", 1, {});
  expect(found.leaves).toContainEqual(
    expect.objectContaining({
      findings: expect.arrayContaining([expect.objectContaining({ detector: "suspects" })]),
    }),
  );
}
