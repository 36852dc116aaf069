import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { type OwnClient, own } from "../../runner/src/db/session.ts";
import { NEVER } from "../support/backup/object.ts";
import { readBeside, withRunner } from "../support/backup/parts.ts";
import { startForgetfulProxy } from "../support/database/forgetful-proxy.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";
import { startWireProxy } from "../support/database/wire-proxy.ts";

const database = useQuietServer();
/** Beyond the 12 s after which a connection without an answer counts as lost. */
const PAUSE_MS = 20_000;
const ROW_BYTES = 100;
const copyOf = (bytes: number) =>
  `copy (select repeat('x', ${ROW_BYTES - 1}) from generate_series(1, ${bytes / ROW_BYTES})) to stdout`;
const LARGE_BYTES = 30_000_000;
/** The message that ends the rows of a COPY. */
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);

type Reading = { readonly text: string; readonly pauseAfter: number; readonly ms?: number };

/** Reads a COPY to its end, and pauses once after so many bytes. Returns the bytes that came. */
async function readWithPause(
  client: OwnClient,
  { text, pauseAfter, ms = PAUSE_MS }: Reading,
): Promise<number | undefined> {
  let bytes = 0;
  let isRested = false;
  for await (const chunk of client.copyOut(text)) {
    bytes += (chunk as Buffer).length;
    if (isRested || bytes < pauseAfter) continue;
    isRested = true;
    await sleep(ms);
  }
  // and the connection is as good as before
  const [row] = await client.query<{ bytes: number }>("select $1::int as bytes", [bytes]);
  return row?.bytes;
}

const read = (url: string, reading: Reading) =>
  withRunner({ url }, (db) => own(db, NEVER, (client) => readWithPause(client, reading)));

test.concurrent("a reader of a COPY of 30 MB that pauses for 20 s gets all its rows", async () => {
  const whole = [1, LARGE_BYTES / 2].map((pauseAfter) =>
    read(database.url, { text: copyOf(LARGE_BYTES), pauseAfter }),
  );
  expect(await Promise.all(whole)).toEqual([LARGE_BYTES, LARGE_BYTES]);
}, 60_000);

test.concurrent("a backup whose reader pauses for longer than the server keeps an unreachable client gets all its rows", async () => {
  const reading = { text: copyOf(LARGE_BYTES), pauseAfter: 1, ms: 75_000 };
  expect(await readBeside(database, (client) => readWithPause(client, reading))).toBe(LARGE_BYTES);
}, 120_000);

test.concurrent("a reader that pauses for 20 s with the last row, while the server is done already, gets the end too", async () => {
  const proxy = await startWireProxy(database.url, () => ({
    onServer(data, wire) {
      const done = data.lastIndexOf(COPY_DONE);
      if (done <= 0) return wire.toClient(data);
      wire.toClient(data.subarray(0, done));
      setTimeout(() => wire.toClient(data.subarray(done)), 500);
    },
  }));
  expect(await read(proxy.url, { text: copyOf(1_000), pauseAfter: 1 })).toBe(1_000);
  await proxy.stop();
}, 60_000);

test.concurrent("a reader that waits for rows of a connection that is forgotten in the middle of a COPY gets an error", async () => {
  const slow = "repeat('x', 99) || pg_sleep(0.001 + 0 * n)::text";
  const proxy = await startForgetfulProxy(database.url, "copy (select", 1_000);
  await expect(
    read(proxy.url, {
      text: `copy (select ${slow} from generate_series(1, 3000) n) to stdout`,
      pauseAfter: Infinity,
    }),
  ).rejects.toThrow(/the connection to the database is lost without a sign/);
  await proxy.stop();
}, 60_000);
