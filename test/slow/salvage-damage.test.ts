import { expect, test } from "vitest";
import { openLockSession } from "../../runner/src/db/lock.ts";
import { endLeftOvers } from "../../runner/src/db/restore/mend/left-overs.ts";
import { salvageRows } from "../../runner/src/db/restore/mend/salvage.ts";
import { own } from "../../runner/src/db/session.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { makeSeries } from "../support/candle/made-series.ts";
import { DAY } from "../support/candle/series.ts";
import { changePage, openValueAt, whileStopped } from "../support/damage/files.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { fillScratch, withReach } from "../support/mend/scratch.ts";

/** What comes out of pages that a disk has changed, where no backup has a row of the leaf. */

const FROM = Date.UTC(2024, 0, 5);
const LEAF = leafAt("1m", FROM);
const LIVE = `r3a.${LEAF.name}`;
const server = useOwnServer(undefined, { checksums: false });
const salvage = () => withReach(server.url, (reach) => salvageRows(reach, LEAF, LIVE));
const endLeft = () =>
  withReach(server.url, async ({ db, signal }) => {
    const locks = await openLockSession(db, signal);
    await own(db, signal, (client) => endLeftOvers(client, locks));
    await locks.end();
  });
const rowsOf = async (table: string, condition = "true") =>
  (
    await server.query<{ row: string }>(`select t::text as row from ${table} t where ${condition} order by 1`)
  ).map(({ row }) => row);

test("pages that are no pages are left, page by page, also one that ends the server; every other row is as it was", async () => {
  await makeSeries(server.url, [{ symbol: "BTCUSDT", interval: "1m", from: FROM, to: FROM + DAY }]);
  const before = await rowsOf(
    LIVE,
    "ctid < '(1,0)' or ctid >= '(5,0)' or ctid >= '(3,0)' and ctid < '(4,0)' and ctid <> '(3,3)'",
  );
  const scratch = await fillScratch(server, LEAF, "false");
  await whileStopped(server, LIVE, async (file) => {
    // a value of 1 GB: the next value would lie behind the memory of the server, whose process dies
    await changePage(file, 1, (page) => page.writeUInt32LE(0xfffffffc, openValueAt(page, 3)));
    await changePage(file, 2, (page) => page.fill(0));
    // digits that are no digits
    await changePage(file, 3, (page) => page.writeUInt16LE(0x7fff, openValueAt(page, 3) + 5));
    await changePage(file, 4, (page) => page.fill(0x5a, 0, 24));
  });
  const salvaged = await salvage();
  expect(salvaged).toMatchObject({
    added: before.length,
    unsound: 1,
    unread: [
      { from: 1, to: 2 },
      { from: 4, to: 5 },
    ],
  });
  expect(await rowsOf(scratch)).toEqual(before);
  // the page that ends the server is known, and is not read again
  expect(await salvage()).toMatchObject({ added: 0, unread: salvaged.unread, crashes: 0 });
  // nor by the next run, which drops what a killed one left
  await endLeft();
  await fillScratch(server, LEAF, "false");
  expect(await salvage()).toMatchObject({ added: before.length, unread: salvaged.unread, crashes: 0 });
});
