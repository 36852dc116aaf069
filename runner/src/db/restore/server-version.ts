import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";

const READ_VERSION = `select current_setting('server_version_num')::int as version`;

/** The version of the server, e.g. 180004. */
export async function readServerVersion(client: OwnClient): Promise<number> {
  return onlyRow(await client.query<{ version: number }>(READ_VERSION)).version;
}
