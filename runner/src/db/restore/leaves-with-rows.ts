import pg from "pg";
import { LEAVES, type LeafRow } from "../attached-leaves.ts";
import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";

/** The leaves that have a row, but for those of these names; without schema. */
export async function listOtherLeaves(
  client: OwnClient,
  names: ReadonlySet<string>,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { name } of await client.query<LeafRow>(LEAVES, [null])) {
    if (names.has(name)) continue;
    const statement = `select exists (select from r3a.${pg.escapeIdentifier(name)}) as "hasRows"`;
    const { hasRows } = onlyRow(await client.query<{ hasRows: boolean }>(statement));
    if (hasRows) found.push(name);
  }
  return found;
}
