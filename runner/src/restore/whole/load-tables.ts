import type { Manifest } from "../../archive/manifest.ts";
import { EXPORTED_TABLES } from "../../db/backup/tables.ts";
import {
  addTableRows,
  countRows,
  emptyTable,
  findTable,
  makeStage,
  mergeRows,
  mergeSeries,
  stageTableRows,
  type TargetTable,
} from "../../db/restore/load-table.ts";
import type { OwnClient } from "../../db/session.ts";
import { RestoreRefusal } from "../refusal.ts";
import { type Opened, sendRows } from "./read-object.ts";

/** A small table and the rows that it has. */
export type LoadedTable = { readonly name: string; readonly rows: number };

type ManifestTable = Manifest["tables"][number];

/** In the order in which they can be loaded; one that this release does not know comes last. */
export function orderTables(tables: Manifest["tables"]): Manifest["tables"] {
  const placeOf = ({ name }: ManifestTable) => {
    const place = EXPORTED_TABLES.findIndex((each) => each.name === name);
    return place === -1 ? EXPORTED_TABLES.length : place;
  };
  return tables.toSorted((a, b) => placeOf(a) - placeOf(b));
}

/**
 * Loads the small tables of a manifest in the transaction of the caller, whose schema has them. Throws what `reasonOf` takes
 * where the backup is at fault.
 */
export async function loadTables(
  client: OwnClient,
  { tables }: Manifest,
  opened: Opened,
): Promise<readonly LoadedTable[]> {
  const loaded: LoadedTable[] = [];
  for (const table of orderTables(tables)) {
    const target = await findTable(client, table);
    if (typeof target === "string") throw new RestoreRefusal(`${table.name} cannot be loaded: ${target}`);
    await emptyTable(client, target);
    for (const object of table.objects) await loadObject(client, { target, object }, opened);
    loaded.push({ name: table.name, rows: await countRows(client, target) });
  }
  return loaded;
}

type Loading = { readonly target: TargetTable; readonly object: ManifestTable["objects"][number] };

async function loadObject(client: OwnClient, { target, object }: Loading, opened: Opened): Promise<void> {
  if (object.mode === "whole") {
    await emptyTable(client, target);
    await sendRows(opened, object, (rows) => addTableRows(client, target, rows));
    return;
  }
  await makeStage(client, target);
  await sendRows(opened, object, (rows) => stageTableRows(client, target, rows));
  if (object.mode === "rows") await mergeRows(client, target);
  else await mergeSeries(client, target);
}
