import { countSlots, slotsOfRuns, subtractSlots, unionSlots } from "../archive/slots.ts";
import type { Span } from "../candle/span.ts";
import { WIDTH_MS } from "../contract/intervals.ts";
import type { BackupLeaf } from "../db/backup/backup-leaf.ts";
import { listStoredParts } from "../db/backup/ledger.ts";
import { listCoveredSeries, listGapsIn } from "../db/seal/series-in-leaf.ts";
import type { OwnClient } from "../db/session.ts";
import { clip } from "./seal-plan.ts";

const MOST_NAMED = 5;

/**
 * Says which series have slots in the leaf that were asked for, and are neither stored nor in the gap log; null: none has.
 * What is stored is known by the backup that has just judged the leaf.
 */
export async function findUnexplained(client: OwnClient, leaf: BackupLeaf): Promise<string | null> {
  const { span } = leaf;
  const stored = new Map(
    (await listStoredParts(client, leaf)).map((part) => [`${part.coinId}:${part.interval}`, part.slots]),
  );
  const found: string[] = [];
  for (const series of await listCoveredSeries(client, leaf)) {
    const { coinId, interval, symbol } = series;
    const range = { span, interval };
    const slotsOf = (spans: readonly Span[]) =>
      slotsOfRuns(
        range,
        spans
          .flatMap((each) => clip(each, span) ?? [])
          .map(({ from, to }) => ({ first: from, last: to - WIDTH_MS[interval] }))
          .filter(({ first, last }) => first <= last),
      );
    const gaps = slotsOf(await listGapsIn(client, series, span));
    const known = unionSlots(stored.get(`${coinId}:${interval}`) ?? new Uint8Array(), gaps);
    const missing = countSlots(subtractSlots(slotsOf([series.covered]), known));
    if (missing > 0) found.push(`${symbol} ${interval} (${missing})`);
  }
  if (found.length === 0) return null;
  const more = found.length > MOST_NAMED ? `, and ${found.length - MOST_NAMED} more` : "";
  return `slots that were asked for are neither stored nor in the gap log: ${found.slice(0, MOST_NAMED).join(", ")}${more}; run verify, which says where`;
}
