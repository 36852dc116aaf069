import { type FileHandle, open, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import type { OwnServer } from "../database/own-server.ts";

/** Damage to the file of a table or index, done while the server is stopped, as a disk or a bad controller does it. */

export const PAGE_BYTES = 8_192;
const ITEMS_AT = 24;

/** The path of the relation's file in the file system. */
export async function fileOf(server: OwnServer, relation: string): Promise<string> {
  const [row] = await server.query<{ path: string }>("select pg_relation_filepath($1) as path", [relation]);
  if (row === undefined) throw new Error(`${relation} has no file`);
  return join(server.place.dataDir, row.path);
}

/** Does the work on the file between a clean stop and a start: no page comes back from the write-ahead log. */
export async function whileStopped(
  server: OwnServer,
  relation: string,
  work: (file: string) => Promise<unknown>,
): Promise<void> {
  const file = await fileOf(server, relation);
  await server.stop();
  await work(file);
  await server.start();
}

/** Hands one page to `change`, and writes back what that leaves. */
export async function changePage(file: string, block: number, change: (page: Buffer) => void): Promise<void> {
  await withFile(file, async (handle) => {
    const page = await readBlock(handle, block);
    change(page);
    await handle.write(page, 0, PAGE_BYTES, block * PAGE_BYTES);
  });
}

export async function readPage(file: string, block: number): Promise<Buffer> {
  let page: Buffer = Buffer.alloc(0);
  await withFile(file, async (handle) => {
    page = await readBlock(handle, block);
  });
  return page;
}

/** Takes so many pages off the end. */
export async function cutPages(file: string, count: number): Promise<void> {
  await withFile(file, async (handle) => {
    const { size } = await handle.stat();
    if (size <= count * PAGE_BYTES) throw new Error(`${file} has no more than ${count} pages`);
    await truncate(file, size - count * PAGE_BYTES);
  });
}

export const removeFile = (file: string) => rm(file);

/** Where the bytes of the item begin in its page: a row of a table, or an entry of an index. */
export function itemAt(page: Buffer, number: number): number {
  const item = page.readUInt32LE(ITEMS_AT + 4 * (number - 1));
  const isNormal = ((item >> 15) & 3) === 1;
  if (!isNormal) throw new Error(`item ${number} of the page is no row and no entry`);
  return item & 0x7fff;
}

/** Where the value of `open` begins in a row of the candle table: behind coin_id, '1m' and the timestamp. */
export function openValueAt(page: Buffer, number: number): number {
  const row = itemAt(page, number);
  return row + (page[row + 22] ?? 0) + 16;
}

/** Flips bits of one byte. */
export function flip(page: Buffer, at: number, bits: number): void {
  page[at] = (page[at] ?? 0) ^ bits;
}

async function withFile(path: string, work: (handle: FileHandle) => Promise<void>): Promise<void> {
  const handle = await open(path, "r+");
  try {
    await work(handle);
  } finally {
    await handle.close();
  }
}

async function readBlock(handle: FileHandle, block: number): Promise<Buffer> {
  const page = Buffer.alloc(PAGE_BYTES);
  const { bytesRead } = await handle.read(page, 0, PAGE_BYTES, block * PAGE_BYTES);
  if (bytesRead !== PAGE_BYTES) throw new Error(`the file has no block ${block}`);
  return page;
}
