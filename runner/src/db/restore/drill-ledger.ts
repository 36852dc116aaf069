import type { DrillVerdict } from "../../contract/drill-verdicts.ts";
import type { Tier } from "../../contract/tiers.ts";
import { type Database, queryRows, withClient } from "../connect.ts";
import { msOf } from "../sql-time.ts";

/** A drill as the ledger keeps it. Times in ms; what is not known is null. */
export type DrillRow = {
  readonly runId: string;
  readonly tier: Tier;
  readonly begunAt: number;
  readonly manifest: string | null;
  readonly snapshotAt: number | null;
  readonly verdict: DrillVerdict;
  readonly rtoMs: number | null;
  readonly wholeMs: number | null;
  readonly rpoMs: number | null;
  readonly leaves: number;
  readonly tables: number;
  readonly rows: number;
  readonly golden: number;
  readonly damaged: string | null;
  readonly faults: readonly string[];
};

const LAST_DRILLS = `select tier, ${msOf("max(finished_at)")} as at from r3a.drill group by tier`;

/** When each tier was last drilled (ms), whatever came of it; a tier that never was is not in it. */
export async function readLastDrills(db: Database): Promise<ReadonlyMap<Tier, number>> {
  const rows = await queryRows<{ tier: Tier; at: number }>(db, LAST_DRILLS);
  return new Map(rows.map(({ tier, at }) => [tier, at]));
}

const ADD_DRILL = `
  insert into r3a.drill (run_id, tier, begun_at, manifest, snapshot_at, verdict, rto_s, whole_s, rpo_s, leaves, tables, rows,
                         golden, damaged, faults)
  values ($1, $2, to_timestamp($3 / 1000.0), $4, to_timestamp($5 / 1000.0), $6, round($7::float8 / 1000), round($8::float8 / 1000),
          round($9::float8 / 1000), $10, $11, $12, $13, $14, $15)`;

const MOST_FAULTS = 50;
const LONGEST_FAULT = 500;

/** Keeps what a drill proved. Of many faults the first are kept; secrets are removed from them before. */
export async function addDrill(db: Database, row: DrillRow): Promise<void> {
  const faults = row.faults.slice(0, MOST_FAULTS).map((fault) => fault.slice(0, LONGEST_FAULT));
  const values = [
    ...[row.runId, row.tier, row.begunAt, row.manifest, row.snapshotAt, row.verdict],
    ...[row.rtoMs, row.wholeMs, row.rpoMs, row.leaves, row.tables, row.rows, row.golden, row.damaged, faults],
  ];
  await withClient(db, (client) => client.query(ADD_DRILL, values));
}
