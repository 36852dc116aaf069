import { type Database, queryRows } from "../connect.ts";
import type { OwnClient } from "../session.ts";
import { msOf } from "../sql-time.ts";

/** Why and since when (ms) nothing may be swapped. */
export type Hold = { readonly reason: string; readonly heldAt: number };

const READ = `select reason, ${msOf("held_at")} as "heldAt" from r3a.recovery_hold`;

/** The kill switch of the recovery; null: it is off. */
export async function readHold(client: Pick<OwnClient, "query">): Promise<Hold | null> {
  return (await client.query<Hold>(READ))[0] ?? null;
}

const SET = `
  insert into r3a.recovery_hold (reason, held_by) values ($1, $2)
  on conflict (only_row) do update set reason = excluded.reason, held_at = now(), held_by = excluded.held_by
  returning reason, ${msOf("held_at")} as "heldAt"`;

/** Turns the kill switch on, or says another reason. A swap under way waits for this row or this row for the swap. */
export async function setHold(
  db: Database,
  { reason, heldBy }: { readonly reason: string; readonly heldBy: string },
): Promise<void> {
  await queryRows(db, SET, [reason, heldBy]);
}

const END = `delete from r3a.recovery_hold returning reason, ${msOf("held_at")} as "heldAt"`;

/** Turns the kill switch off; null: it was off. */
export async function endHold(db: Database): Promise<Hold | null> {
  return (await queryRows<Hold>(db, END))[0] ?? null;
}
