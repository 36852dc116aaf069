import { withSession } from "../database/empty-database.ts";
import type { OwnServer } from "../database/own-server.ts";
import {
  changePage,
  cutPages,
  flip,
  itemAt,
  openValueAt,
  readPage,
  removeFile,
  whileStopped,
} from "./files.ts";

/** What is damaged: a leaf with rows of BTCUSDT, by its name without the schema. */
export type Target = {
  readonly server: OwnServer;
  readonly leaf: string;
  /** An open time of the leaf, ISO, from which on BTCUSDT has 700 candles in a row. */
  readonly from: string;
};

export type Damage = {
  readonly name: string;
  readonly inflict: (target: Target) => Promise<unknown>;
  /** Detectors of which one must name the leaf, where pages have checksums and where they have none. */
  readonly detectors: readonly string[] | Readonly<Record<"checked" | "unchecked", readonly string[]>>;
};

/** One session, so that the server has counted the change when it ends; the guard of a sealed leaf lets it through. */
function change({ server, leaf }: Target, statements: string): Promise<unknown> {
  return withSession(server.url, (client) => client.query(`set r3a.reopened = ',${leaf},'; ${statements}`));
}
const btc = `coin_id = (select id from r3a.coin where symbol = 'BTCUSDT')`;

/** Bit by bit, page by page: what disks do. */
const OF_FILES: readonly Damage[] = [
  {
    name: "a bit flips in a price",
    // the first four digits of the price in the third row
    inflict: ({ server, leaf }) =>
      whileStopped(server, `r3a.${leaf}`, (file) =>
        changePage(file, 2, (page) => flip(page, openValueAt(page, 3) + 3, 1)),
      ),
    detectors: { checked: ["unreadable"], unchecked: ["content"] },
  },
  {
    name: "a bit flips in the length of a value",
    inflict: ({ server, leaf }) =>
      whileStopped(server, `r3a.${leaf}`, (file) =>
        changePage(file, 2, (page) => flip(page, openValueAt(page, 3), 1)),
      ),
    detectors: ["unreadable"],
  },
  {
    // the value seems to reach behind the memory of all pages: without checksums the process that reads it crashes
    name: "two bits flip in the length of a value",
    inflict: ({ server, leaf }) =>
      whileStopped(server, `r3a.${leaf}`, (file) =>
        changePage(file, 2, (page) => flip(page, openValueAt(page, 3), 3)),
      ),
    detectors: ["unreadable"],
  },
  {
    name: "a page is zeroed",
    inflict: ({ server, leaf }) =>
      whileStopped(server, `r3a.${leaf}`, (file) => changePage(file, 2, (page) => page.fill(0))),
    detectors: ["slots", "content"],
  },
  {
    name: "the file lacks its last 5 pages",
    inflict: ({ server, leaf }) => whileStopped(server, `r3a.${leaf}`, (file) => cutPages(file, 5)),
    detectors: ["slots", "content"],
  },
  {
    name: "a write is lost: the page is an older one",
    async inflict(target) {
      const { server, leaf } = target;
      let older: Buffer = Buffer.alloc(0);
      await whileStopped(server, `r3a.${leaf}`, async (file) => {
        older = await readPage(file, 2);
      });
      // each row of the page gets a second version, on another page and with the same values
      const first = "ctid >= '(2,1)' and ctid <= '(2,20)'";
      await change(target, `update r3a.${leaf} set flags = flags where ${first}`);
      await whileStopped(server, `r3a.${leaf}`, (file) => changePage(file, 2, (page) => older.copy(page)));
    },
    detectors: ["content", "slots", "index"],
  },
  {
    name: "a bit flips in the index",
    async inflict({ server, leaf }) {
      const [index] = await server.query<{ name: string }>(
        "select indexrelid::regclass::text as name from pg_index where indrelid = $1::regclass and indisprimary",
        [`r3a.${leaf}`],
      );
      // the place in the table that the fifth entry of the first leaf page leads to
      await whileStopped(server, index?.name ?? "", (file) =>
        changePage(file, 1, (page) => flip(page, itemAt(page, 5) + 4, 1)),
      );
    },
    detectors: ["index"],
  },
  {
    name: "the file is gone",
    inflict: ({ server, leaf }) => whileStopped(server, `r3a.${leaf}`, removeFile),
    detectors: ["file"],
  },
];

/** What people and programs do. */
const OF_STATEMENTS: readonly Damage[] = [
  {
    name: "three prices are ten times too high",
    inflict: (target) =>
      change(
        target,
        `update r3a.${target.leaf} set open = open * 10, high = high * 10, close = close * 10
         where ${btc} and "timestamp" >= '${target.from}' and "timestamp" < '${target.from}'::timestamptz + interval '3 min'`,
      ),
    detectors: ["content", "suspects"],
  },
  {
    name: "700 candles of a symbol are deleted",
    inflict: (target) =>
      change(
        target,
        `delete from r3a.${target.leaf}
         where ${btc} and "timestamp" >= '${target.from}' and "timestamp" < '${target.from}'::timestamptz + interval '700 min'`,
      ),
    detectors: ["slots", "content", "suspects"],
  },
  {
    name: "the leaf is dropped",
    inflict: (target) => change(target, `drop table r3a.${target.leaf}`),
    detectors: ["missing"],
  },
  {
    name: "the leaf is detached",
    inflict: (target) =>
      change(
        target,
        `do $$ begin execute format('alter table %s detach partition r3a.${target.leaf}',
           (select inhparent::regclass from pg_inherits where inhrelid = 'r3a.${target.leaf}'::regclass)); end $$`,
      ),
    detectors: ["detached"],
  },
  {
    name: "the leaf is truncated",
    // no setting opens the guard against truncate
    inflict: (target) =>
      change(
        target,
        `drop trigger if exists r3a_guard_truncate on r3a.${target.leaf}; truncate r3a.${target.leaf}`,
      ),
    detectors: ["truncated"],
  },
];

export const DAMAGES: readonly Damage[] = [...OF_FILES, ...OF_STATEMENTS];

/** The detectors of which one must name the leaf. */
export function detectorsOf({ detectors }: Damage, isChecked: boolean): readonly string[] {
  if ("checked" in detectors) return isChecked ? detectors.checked : detectors.unchecked;
  return detectors;
}
