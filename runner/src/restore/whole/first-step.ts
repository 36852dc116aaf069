import { leafOfName } from "../../archive/leaf-record.ts";
import { type Manifest, parseManifestKey } from "../../archive/manifest.ts";
import { intervalsOf } from "../../db/backup/backup-leaf.ts";
import { analyzeTables } from "../../db/restore/live-leaf.ts";
import { inLongTransaction } from "../../db/restore/long-transaction.ts";
import { makeMissingLeaves } from "../../db/restore/missing-leaves.ts";
import { addPendingGaps } from "../../db/restore/pending-gaps.ts";
import { readSchemaText, SchemaTextFault } from "../../db/restore/read-ddl.ts";
import { beginRestoration, type Restoration } from "../../db/restore/restoration.ts";
import { listRoles, makeMissingRoles, runDdl } from "../../db/restore/run-ddl.ts";
import { settleLedger } from "../../db/restore/settle-ledger.ts";
import { listFiles } from "../../db/schema/schema.ts";
import type { OwnClient } from "../../db/session.ts";
import type { Candidate } from "../manifests.ts";
import { RestoreRefusal } from "../refusal.ts";
import { type LoadedTable, loadTables } from "./load-tables.ts";
import { orderLeaves } from "./order-plan.ts";
import { readText } from "./read-object.ts";

/** What the first transaction made. `roles`: those that the server lacked. */
export type Begun = {
  readonly restoration: Restoration;
  readonly tables: readonly LoadedTable[];
  readonly roles: readonly string[];
};

type Request = {
  readonly candidate: Candidate;
  readonly manifest: Manifest;
  readonly identity: string;
  readonly signal: AbortSignal;
};

/**
 * Makes the schema with its owners and grants, and loads every table but the candles, all in one transaction. Throws what
 * `reasonOf` takes where the backup is at fault; then the database is as empty as before.
 */
export async function beginWhole(
  client: OwnClient,
  { candidate, manifest, identity, signal }: Request,
): Promise<Begun> {
  await refuseLater(manifest);
  const { tier, key, store } = candidate;
  const opened = { store, identity, signal };
  const text = await readText(opened, manifest.schema);
  const begun = await inLongTransaction(client, async () => {
    const roles = await makeSchema(client, { text, manifest });
    const tables = await loadTables(client, manifest, opened);
    await settleLedger(client, manifest, { tier, key });
    const snapshotAt = Date.parse(manifest.snapshotAt);
    const leaves = orderLeaves(
      manifest.leaves.map(({ name }) => leafOfName(name)),
      snapshotAt,
    );
    await makeMissingLeaves(client, leaves);
    const restoration: Restoration = {
      ...{ tier, manifest: key, sha256: parseManifestKey(key)?.sha256 ?? "", backup: manifest.backup },
      ...{ madeAt: Date.parse(manifest.madeAt), snapshotAt },
    };
    await beginRestoration(client, restoration, leaves);
    const pending = leaves.map((leaf) => ({ ...leaf, intervals: intervalsOf(leaf) }));
    await addPendingGaps(client, pending);
    return { restoration, tables, roles };
  });
  await analyzeTables(
    client,
    begun.tables.map(({ name }) => name),
  );
  return begun;
}

/** A schema of a later release has tables and columns that this one does not know. */
export async function refuseLater({ migrations }: Manifest): Promise<void> {
  const known = new Set(await listFiles());
  const [later] = migrations.filter((name) => !known.has(name));
  if (later === undefined) return;
  throw new RestoreRefusal(
    `its schema has the migration ${later}, which this program does not know: run the release that wrote the newest backup, or a later one`,
    { isNewer: true },
  );
}

async function makeSchema(
  client: OwnClient,
  { text, manifest: { schema, migrations } }: { readonly text: string; readonly manifest: Manifest },
): Promise<readonly string[]> {
  try {
    const stored = readSchemaText(text);
    if (stored.migrations.join() !== migrations.join())
      throw new SchemaTextFault("names other migrations than the manifest");
    const roles = await makeMissingRoles(client, listRoles(stored));
    await runDdl(client, stored);
    return roles;
  } catch (error) {
    if (!(error instanceof SchemaTextFault)) throw error;
    throw new RestoreRefusal(`${schema.key}: the text of the schema ${error.message}`, { cause: error });
  }
}
