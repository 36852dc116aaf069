import { type BackupLeaf, tableOf } from "../backup/backup-leaf.ts";
import { columnsOf, rowHash, sumOf } from "../backup/row-hash.ts";
import { onlyRow } from "../only-row.ts";
import type { OwnClient } from "../session.ts";

/** Pages from `from` up to, but not including, `to`. */
export type PageRange = { readonly from: number; readonly to: number };

/** `rows`: those of the pages that can be read. `isWhole`: false: there were so many damaged places that the search ended. */
export type ReadablePages = {
  readonly pages: number;
  readonly rows: number;
  readonly unreadable: readonly PageRange[];
  readonly isWhole: boolean;
};

const COUNT_PAGES = (leaf: BackupLeaf) =>
  `select (pg_relation_size('${tableOf(leaf)}'::regclass) / current_setting('block_size')::int)::float8 as pages`;

/** Each page of the range is read without an index, and each value of its rows. */
const READ = (leaf: BackupLeaf, { from, to }: PageRange) => `
  select count(*)::float8 as rows, ${sumOf(rowHash(columnsOf("t")))} as hash
  from ${tableOf(leaf)} t where t.ctid >= '(${from},0)'::tid and t.ctid < '(${to},0)'::tid`;

const BY_PAGES = `
  set enable_seqscan = off; set enable_indexscan = off; set enable_indexonlyscan = off; set enable_bitmapscan = off;
  set enable_tidscan = on; set max_parallel_workers_per_gather = 0`;

/** Halving finds one page of 30,000 by 30 reads; a leaf with more damaged places than this is not worth the time. */
const MOST_READS = 400;

/**
 * Finds which pages of a leaf the server cannot read: ranges that fail are halved down to the page. `isDamage` says of an error
 * whether the stored data gave it; every other error comes out.
 */
export async function findReadable(
  client: OwnClient,
  leaf: BackupLeaf,
  isDamage: (error: unknown) => boolean,
): Promise<ReadablePages> {
  await client.query(BY_PAGES);
  const { pages } = onlyRow(await client.query<{ pages: number }>(COUNT_PAGES(leaf)));
  const unreadable: PageRange[] = [];
  const waiting: PageRange[] = pages === 0 ? [] : [{ from: 0, to: pages }];
  let rows = 0;
  for (let reads = 0; waiting.length > 0; reads += 1) {
    const range = waiting.pop();
    if (range === undefined || reads === MOST_READS)
      return {
        pages,
        rows,
        unreadable: join([...unreadable, ...waiting, ...(range ? [range] : [])]),
        isWhole: false,
      };
    try {
      rows += onlyRow(await client.query<{ rows: number }>(READ(leaf, range))).rows;
    } catch (error) {
      if (!isDamage(error)) throw error;
      const middle = Math.floor((range.from + range.to) / 2);
      if (middle === range.from) unreadable.push(range);
      else waiting.push({ from: middle, to: range.to }, { from: range.from, to: middle });
    }
  }
  return { pages, rows, unreadable: join(unreadable), isWhole: true };
}

/** In order, and neighbours as one. */
function join(ranges: readonly PageRange[]): readonly PageRange[] {
  const joined: PageRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last?.to === range.from) joined[joined.length - 1] = { from: last.from, to: range.to };
    else joined.push(range);
  }
  return joined;
}
