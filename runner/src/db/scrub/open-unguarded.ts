import type { OwnClient } from "../session.ts";

/** Of no symbol: nobody wrote by this. */
const OPEN = `select r3a_util.reopen_leaf($1, '{}', '{}', '{}', '{}')`;

/** Lets a leaf that lost its guard count as open, so that seal guards and proves it anew. */
export async function openUnguarded(client: OwnClient, leaf: string): Promise<void> {
  await client.query(OPEN, [leaf]);
}
