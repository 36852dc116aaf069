import pg from "pg";
import { beforeAll, expect, test } from "vitest";
import type { OwnClient } from "../../runner/src/db/session.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { makeSeries } from "../support/candle/made-series.ts";
import { useDatabase } from "../support/database/database.ts";
import { swapFilled } from "../support/leaf/swaps.ts";

const database = useDatabase();
const HOUR = 3_600_000;
const [MINUTES, YEAR] = [leafAt("1m", Date.UTC(2024, 4)), leafAt("4h", Date.UTC(2024, 4))];

const rowsOf = (table: string) =>
  database.query(`select t::text as row from ${table} t order by coin_id, "interval", "timestamp"`);

/** A session whose messages are all kept, those for the author of a server too. */
async function withMessages<T>(work: (client: OwnClient, messages: string[]) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: database.url,
    options: "-c client_min_messages=debug1 -c search_path=pg_catalog",
  });
  const messages: string[] = [];
  client.on("notice", ({ message }) => messages.push(message ?? ""));
  await client.connect();
  const refuse = () => {
    throw new Error("a swap copies nothing");
  };
  try {
    return await work(
      {
        async query(text, values = []) {
          const answer = await client.query(text, values.length === 0 ? undefined : [...values]);
          return (Array.isArray(answer) ? answer.at(-1) : answer)?.rows ?? [];
        },
        ...{ copyIn: refuse, copyOut: refuse, takeWarnings: () => [] },
      },
      messages,
    );
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  const [from, to] = [MINUTES.span.from, MINUTES.span.from + 6 * HOUR];
  await makeSeries(database.url, [
    { symbol: "BTCUSDT", interval: "1m", from, to },
    { symbol: "ETHUSDT", interval: "1m", from, to },
    { symbol: "BTCUSDT", interval: "4h", from: YEAR.span.from, to: YEAR.span.from + 40 * 4 * HOUR },
    { symbol: "BTCUSDT", interval: "1d", from: YEAR.span.from, to: YEAR.span.from + 5 * 24 * HOUR },
  ]);
});

for (const leaf of [MINUTES, YEAR])
  test(`a swap of ${leaf.name} keeps each row, moves the old table to quarantine and scans nothing`, async () => {
    const before = await rowsOf(`r3a.${leaf.name}`);
    const { swapped, messages } = await withMessages(async (client, all) => {
      const result = await swapFilled(client, leaf, {
        prepare: async () => {
          all.splice(0);
        },
      });
      return { swapped: result, messages: all };
    });
    expect(swapped).toMatchObject({ outcome: "swapped", attempts: 1 });
    expect(await rowsOf(`r3a.${leaf.name}`)).toEqual(before);
    expect(messages.filter((message) => /verifying|building|rewriting/.test(message))).toEqual([]);
    expect(messages).toContain(
      `partition constraint for table "${leaf.name}" is implied by existing constraints`,
    );
  });
