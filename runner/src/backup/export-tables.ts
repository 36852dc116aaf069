import { Readable } from "node:stream";
import { copySeries, copyTable } from "../db/backup/copy-out.ts";
import { renderDdl } from "../db/backup/ddl.ts";
import { type GapSeries, listChangedGaps } from "../db/backup/gap-series.ts";
import type { ObjectUse } from "../db/backup/stored-objects.ts";
import { EXPORTED_TABLES, type ExportedTable, type ExportMode } from "../db/backup/tables.ts";
import type { OwnClient } from "../db/session.ts";
import type { ObjectWriter, PlacedObject } from "./object-writer.ts";

export type UsedPlacement = { readonly object: PlacedObject; readonly use: ObjectUse };

export type ExportedTables = {
  readonly used: readonly UsedPlacement[];
  /** The series of the gap log that were exported anew. */
  readonly gapSeries: readonly GapSeries[];
};

/** From which number of a transaction on rows may have changed, since the last backup and the last daily one; null: any. */
export type TableHorizons = { readonly delta: bigint | null; readonly daily: bigint | null };

/** `lost`: tables of which an object is gone from every tier, so that all of their rows are written again. */
export type TableRequest = {
  readonly horizons: TableHorizons;
  readonly isDaily: boolean;
  readonly lost: ReadonlySet<string | null>;
};

type Tools = { readonly client: OwnClient; readonly writer: ObjectWriter };

/** Writes the small tables, as each one's row in EXPORTED_TABLES says, and the SQL of the schema. */
export async function exportTables(
  { client, writer }: Tools,
  { horizons, isDaily, lost }: TableRequest,
): Promise<ExportedTables> {
  const used: UsedPlacement[] = [];
  const gapSeries = await listChangedGaps(client);
  for (const table of EXPORTED_TABLES) {
    if (table.when === "daily" && !isDaily) continue;
    const horizon = lost.has(table.name) ? null : horizons[table.when];
    // a series whose last gap was deleted has no row that could say so
    const hasLost = table.mode === "series" && gapSeries.some(({ rows }) => rows === 0);
    const mode: ExportMode = horizon === null || hasLost ? "whole" : table.mode;
    const rows = open(client, { table, mode, horizon, gapSeries });
    if (rows === null) continue;
    // a table that is empty now must not get its old rows back
    const object = await writer.write(rows, { emptyToo: mode === "whole" });
    if (object === null) continue;
    used.push({
      object,
      use: { key: object.key, kind: "table", table: table.name, mode, columns: table.columns },
    });
  }
  const schema = await writer.write(Readable.from([Buffer.from(await renderDdl(client))]));
  if (schema === null) throw new Error("the schema has no text");
  used.push({ object: schema, use: { key: schema.key, kind: "schema", columns: [] } });
  return { used, gapSeries };
}

type Opening = {
  readonly table: ExportedTable;
  readonly mode: ExportMode;
  readonly horizon: bigint | null;
  readonly gapSeries: readonly GapSeries[];
};

/** null: nothing changed. */
function open(client: OwnClient, { table, mode, horizon, gapSeries }: Opening): Readable | null {
  if (mode === "series") return gapSeries.length === 0 ? null : copySeries(client, table, gapSeries);
  return copyTable(client, table, mode === "whole" ? null : horizon);
}
