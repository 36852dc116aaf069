import type { Context } from "../../context.ts";
import type { Tier } from "../../contract/tiers.ts";
import type { Database } from "../../db/connect.ts";
import {
  checkDrillServer,
  drillNameOf,
  listDrillDatabases,
  readSystemIdentifier,
} from "../../db/restore/drill-database.ts";
import { withLocks } from "../../db/with-database.ts";
import type { DrillOutcome } from "./drill-outcome.ts";
import { findNewest } from "./newest.ts";
import type { DrillRequest } from "./prove.ts";

/** What a drill would do. `left`: databases of earlier drills on the server. `snapshotAt` in ms. */
export type DrillPlan = {
  readonly tier: Tier;
  readonly manifest: string;
  readonly snapshotAt: number;
  readonly leaves: number;
  readonly tables: number;
  readonly rows: number;
  readonly database: string;
  readonly left: readonly string[];
};

type Asked = Pick<DrillRequest, "store" | "drillDbUrl" | "isSameAccepted">;

/** Reads the newest manifest, and asks the server for drills whether it can be used. Changes nothing. */
export async function previewDrill(
  { runId, signal }: Pick<Context, "runId" | "signal">,
  db: Database,
  { store, drillDbUrl, isSameAccepted }: Asked,
): Promise<{ readonly plan: DrillPlan } | { readonly failed: DrillOutcome }> {
  const found = await findNewest(store, signal);
  if ("failed" in found) return found;
  const { key, manifest } = found.newest;
  const left = await withLocks(
    { url: drillDbUrl, address: "DRILL_DB_URL", name: `drill ${runId.slice(0, 13)}`, signal },
    async (admin) => {
      await checkDrillServer(admin, isSameAccepted ? null : await readSystemIdentifier(db));
      return listDrillDatabases(admin);
    },
  );
  const plan = {
    ...{ tier: store.tier, manifest: key, snapshotAt: Date.parse(manifest.snapshotAt) },
    ...{ leaves: manifest.leaves.length, tables: manifest.tables.length },
    rows: manifest.leaves.reduce((sum, { rows }) => sum + rows, 0),
    ...{ database: drillNameOf(runId), left },
  };
  return { plan };
}
