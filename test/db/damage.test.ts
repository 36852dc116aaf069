import { open } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openDatabase, withClient } from "../../runner/src/db/connect.ts";
import { ensureLeaf } from "../../runner/src/db/leaves.ts";
import { exitCodeOf, messageOf } from "../../runner/src/errors.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { useOwnServer } from "../support/database/own-server.ts";

const server = useOwnServer();
const leaf = leafAt("1m", Date.UTC(2024, 0));

/** Overwrites the first page of the relation's file while the server is away. */
async function damage(relation: string): Promise<void> {
  const [row] = await server.query<{ path: string }>("select pg_relation_filepath($1) as path", [relation]);
  await server.query("checkpoint");
  await server.halt();
  const file = await open(join(server.place.dataDir, row?.path ?? ""), "r+");
  await file.write(Buffer.alloc(8192, 0x5a), 0, 8192, 0);
  await file.close();
  await server.start();
}

test("an error about a damaged file names the table or index that has this file, and is not tried again", async () => {
  const db = openDatabase(server.url, "damage");
  await ensureLeaf(db, leaf);
  await server.query(
    `insert into r3a.${leaf.name} (coin_id, "interval", "timestamp", open, high, low, close, volume)
     select 1, '1m', '2024-01-01Z'::timestamptz + n * interval '1 min', 1, 1, 1, 1, 1 from generate_series(0, 99) n`,
  );
  await db.pool.end();
  const [index] = await server.query<{ name: string }>(
    "select indexrelid::regclass::text as name from pg_index where indrelid = $1::regclass and indisprimary",
    [`r3a.${leaf.name}`],
  );
  const read = async (settings: string) => {
    const again = openDatabase(server.url, "damage");
    const failure = await withClient(again, async (client) => {
      await client.query(settings);
      return client.query(
        `select open from r3a.ohlcv_partitioned where coin_id = 1 and "interval" = '1m' and "timestamp" = '2024-01-01Z'`,
      );
    }).catch((error: unknown) => error);
    await again.pool.end();
    return failure;
  };
  await damage(index?.name ?? "");
  const ofIndex = await read("set enable_seqscan = off; set enable_bitmapscan = off");
  expect(messageOf(ofIndex)).toContain(
    `that of index ${index?.name} of table r3a.${leaf.name}: reindex index ${index?.name} makes it anew`,
  );
  await server.query(`reindex index ${index?.name}`);
  await damage(`r3a.${leaf.name}`);
  const ofTable = await read("set enable_seqscan = on");
  expect(messageOf(ofTable)).toMatch(
    new RegExp(
      `stored data is damaged.*invalid page in block 0.*the file is that of table r3a\\.${leaf.name}`,
    ),
  );
  expect(exitCodeOf(ofTable)).toBe(1);
});
