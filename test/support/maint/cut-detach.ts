import { expect } from "vitest";
import { withSession } from "../database/empty-database.ts";

/** Leaves a DETACH CONCURRENTLY of the leaf half done: it waits for a reader of the parent, and is cut off. Without schema. */
export async function cutDetach(url: string, parent: string, leaf: string): Promise<void> {
  await withSession(url, async (reader) => {
    await reader.query(`begin isolation level repeatable read; select from r3a.${parent}`);
    await withSession(url, async (detacher) => {
      await detacher.query("set statement_timeout = 500");
      await expect(
        detacher.query(`alter table r3a.${parent} detach partition r3a.${leaf} concurrently`),
      ).rejects.toThrow(/statement timeout/);
    });
  });
}
