import { setTimeout as wait } from "node:timers/promises";
import type { Interval } from "../../contract/intervals.ts";
import { TryAgain } from "../../errors.ts";
import { MINUTE_MS } from "../../time.ts";
import { lockKey } from "../lock.ts";
import type { OwnClient } from "../session.ts";

/** A sync holds a series for seconds, a long backfill or repair for minutes. */
const LOCKS_WITHIN_MS = 10 * MINUTE_MS;
const TRY_LOCKS = `
  select n::int, pg_try_advisory_xact_lock(key) as held from unnest($1::bigint[]) with ordinality as k (key, n)`;

/**
 * Takes the locks of all these series, as syncs do, until the transaction ends, or none of them: a sync passes over a series
 * that is held, so the ones that are free must not be held while another one is waited for. TryAgain after 10 min, which
 * names the `leaf`.
 */
export async function lockSeries(
  client: OwnClient,
  leaf: string,
  series: readonly { readonly symbol: string; readonly interval: Interval }[],
): Promise<void> {
  const until = performance.now() + LOCKS_WITHIN_MS;
  const names = series.map(({ symbol, interval }) => `${symbol}:${interval}`);
  const keys = names.map((name) => lockKey("series", name));
  await client.query("savepoint series_locks");
  for (;;) {
    const tried = await client.query<{ n: number; held: boolean }>(TRY_LOCKS, [keys]);
    const busy = tried.filter(({ held }) => !held);
    if (busy.length === 0) {
      // the rows that follow must not belong to the savepoint
      await client.query("release savepoint series_locks");
      return;
    }
    // the server frees the locks that were taken since then
    await client.query("rollback to savepoint series_locks");
    if (performance.now() > until)
      throw new TryAgain(
        `${leaf} is loaded, and others have held ${busy
          .slice(0, 3)
          .map(({ n }) => names[n - 1])
          .join(", ")} for 10 min (r3a_util.lock_holder says who): run the restore again once they are done`,
      );
    await wait(200 + Math.random() * 800);
  }
}
