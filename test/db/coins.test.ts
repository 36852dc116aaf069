import { expect, test } from "vitest";
import { addCoins, upsertCoins } from "../../runner/src/db/coins.ts";
import { openDatabase } from "../../runner/src/db/connect.ts";
import { withTransaction } from "../../runner/src/db/session.ts";
import { useDatabase } from "../support/database/database.ts";

const database = useDatabase();

const coins = Array.from({ length: 200 }, (_, index) => ({
  symbol: `S${index}USDT`,
  base: `S${index}`,
  quote: "USDT",
  status: "TRADING",
  quoteVolume: null,
  rank: null,
}));

test("processes that store the same coins at once, in any order, wait for each other and never deadlock", async () => {
  const databases = [0, 1, 2, 3].map((index) => openDatabase(database.url, `coins ${index}`));
  try {
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(
        databases.map(async (db, index) => {
          const mine = index % 2 === 0 ? coins : coins.toReversed();
          if (index === 3)
            await withTransaction(db, (client) => upsertCoins(client, mine.slice(round), true));
          else await addCoins(db, mine);
        }),
      );
    }
  } finally {
    for (const db of databases) await db.pool.end();
  }
  expect(await database.query("select count(*)::int as n from r3a.coin")).toEqual([{ n: 200 }]);
});
