import { leafOfName } from "../../archive/leaf-record.ts";
import type { Manifest } from "../../archive/manifest.ts";
import { measureText } from "../../archive/named-text.ts";
import { renderDdl } from "../../db/backup/ddl.ts";
import {
  beginExpected,
  compareExpected,
  isCompared,
  stageExpected,
  takeExpected,
} from "../../db/restore/expected-rows.ts";
import { listOtherLeaves } from "../../db/restore/leaves-with-rows.ts";
import { findTable } from "../../db/restore/load-table.ts";
import { readServerVersion } from "../../db/restore/server-version.ts";
import { listFiles } from "../../db/schema/schema.ts";
import type { OwnClient } from "../../db/session.ts";
import { renderCount } from "../../render.ts";
import { findLeafFault } from "../check-leaf.ts";
import { readLeafRecord } from "../manifests.ts";
import { reasonOf } from "../refusal.ts";
import { type Opened, sendRows } from "../whole/read-object.ts";

/** `leaves`, `tables`: how many were compared. */
export type ComparedRestore = {
  readonly leaves: number;
  readonly tables: number;
  readonly faults: readonly string[];
};

/**
 * Compares a restored database with the backup that it came from, anew from the objects and records: every hash, bitmap and
 * count of the leaves, the rows of the small tables, and the schema with its owners and rights. The restore has compared the
 * leaves too, but what a restore believes is what the drill doubts. `failed`: leaves that are known to be missing.
 */
export async function compareRestored(
  client: OwnClient,
  manifest: Manifest,
  { opened, failed }: { readonly opened: Opened; readonly failed: ReadonlySet<string> },
): Promise<ComparedRestore> {
  const leaves = await compareLeaves(client, manifest, { opened, failed });
  const tables = await compareTables(client, manifest, opened);
  const schema = await compareSchema(client, manifest);
  return {
    ...{ leaves: leaves.count, tables: tables.count },
    faults: [...leaves.faults, ...tables.faults, ...schema],
  };
}

type Counted = { readonly count: number; readonly faults: readonly string[] };

async function compareLeaves(
  client: OwnClient,
  { leaves, hash }: Manifest,
  { opened, failed }: { readonly opened: Opened; readonly failed: ReadonlySet<string> },
): Promise<Counted> {
  const here = await readServerVersion(client);
  const faults: string[] = [];
  let count = 0;
  for (const leaf of leaves) {
    if (failed.has(leaf.name)) continue;
    const found = await orReason(async () => {
      const { parts } = await readLeafRecord(opened.store, leaf, opened.signal);
      return findLeafFault(client, leafOfName(leaf.name), { parts, made: hash.serverVersion, here });
    });
    if (found !== null) faults.push(`r3a.${leaf.name} is restored otherwise than its record says: ${found}`);
    count += 1;
  }
  const others = await listOtherLeaves(client, new Set(leaves.map(({ name }) => name)));
  if (others.length > 0) faults.push(`${others.join(", ")} has rows, and the backup has no such leaf`);
  return { count, faults };
}

async function compareTables(client: OwnClient, { tables }: Manifest, opened: Opened): Promise<Counted> {
  const faults: string[] = [];
  let count = 0;
  for (const table of tables.filter(({ name }) => isCompared(name))) {
    const found = await orReason(() => compareTable(client, table, opened));
    if (found !== null) faults.push(`${table.name} is restored otherwise than it was stored: ${found}`);
    count += 1;
  }
  return { count, faults };
}

async function compareTable(
  client: OwnClient,
  table: Manifest["tables"][number],
  opened: Opened,
): Promise<string | null> {
  const target = await findTable(client, table);
  if (typeof target === "string") return target;
  await beginExpected(client, target);
  for (const [place, object] of table.objects.entries()) {
    await sendRows(opened, object, (rows) => stageExpected(client, target, rows));
    await takeExpected(client, target, { mode: object.mode, backup: object.backup, place });
  }
  const { missing, more, example } = await compareExpected(client, target);
  if (missing + more === 0) return null;
  const lacks = renderCount(missing, "row is missing or differs", "rows are missing or differ");
  const extra = renderCount(more, "row is too many", "rows are too many");
  return `${lacks}, ${extra}, among them ${example}`;
}

const MAJOR = 10_000;

/** Only where nothing but the restore made the schema: the files of a later release, and of another server, differ. */
async function compareSchema(
  client: OwnClient,
  { schema, migrations, server }: Manifest,
): Promise<readonly string[]> {
  const here = await readServerVersion(client);
  const isSameServer = Math.floor(here / MAJOR) === Math.floor(server.version / MAJOR);
  if (!isSameServer || migrations.join() !== (await listFiles()).join()) return [];
  if (measureText(await renderDdl(client)).sha256 === schema.plainSha256) return [];
  return ["the restored schema has other leaves, settings, owners or rights than the stored one"];
}

/** What a comparison says, or why the backup did not let it be made. */
async function orReason(compare: () => Promise<string | null>): Promise<string | null> {
  try {
    return await compare();
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === null) throw error;
    return reason;
  }
}
