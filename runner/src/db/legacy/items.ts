import { type Database, withClient } from "../connect.ts";
import type { RunItem } from "../runs.ts";

/** Items grow while leaves are moved: the newest sums count. */
const UPSERT_ITEMS = `
  insert into r3a.run_item (run_id, coin_id, "interval", outcome, pages, added, repaired, revised, gaps, ms)
  select $1, "coinId", "interval", outcome, pages, added, 0, revised, 0, ms
  from jsonb_to_recordset($2) as u ("coinId" int, "interval" text, outcome text, pages int, added bigint, revised bigint, ms int)
  on conflict (run_id, coin_id, "interval") do update set pages = excluded.pages, added = excluded.added,
    revised = excluded.revised, ms = excluded.ms`;

/** Writes the run's items as far as they are, before the run ends. */
export async function upsertItems(db: Database, runId: string, items: readonly RunItem[]): Promise<void> {
  if (items.length === 0) return;
  await withClient(db, (client) => client.query(UPSERT_ITEMS, [runId, JSON.stringify(items)]));
}
