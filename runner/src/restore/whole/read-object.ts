import { buffer } from "node:stream/consumers";
import { openObject } from "../../archive/object/open.ts";
import type { ObjectRef } from "../../archive/object-ref.ts";
import type { Store } from "../../store/store.ts";
import { sendInBatches } from "../batches.ts";
import { about, RestoreRefusal } from "../refusal.ts";

/** Where the objects are and how they are opened. */
export type Opened = { readonly store: Store; readonly identity: string; readonly signal: AbortSignal };

/** The SQL of the schema has some 200 kB with its leaves. */
const LONGEST_TEXT = 16 * 1024 * 1024;
/** The longest row of a small table: a check of health with the names of 600 symbols has some 10 kB. */
const LONGEST_LINE = 1024 * 1024;
const NEWLINE = 10;

/** The text of an object. Throws what `reasonOf` takes where it is not what the manifest says. */
export async function readText({ store, identity, signal }: Opened, object: ObjectRef): Promise<string> {
  const { key, plainBytes } = object;
  if (plainBytes > LONGEST_TEXT)
    throw new RestoreRefusal(`${key} has ${plainBytes} bytes of text, more than any schema`);
  try {
    const plain = openObject(await store.get(key, signal), { identity, expected: object, signal });
    return (await buffer(plain)).toString("utf8");
  } catch (error) {
    throw about(key, error);
  }
}

/** Sends the rows of an object of a table, and refuses it where it is not what the manifest says. */
export async function sendRows(
  { store, identity, signal }: Opened,
  object: ObjectRef,
  send: (rows: readonly Buffer[]) => Promise<void>,
): Promise<void> {
  const { key, rows: expected } = object;
  let rows = 0;
  try {
    const plain = openObject(await store.get(key, signal), { identity, expected: object, signal });
    await sendInBatches(
      wholeLines(plain, (count) => {
        rows += count;
      }),
      send,
    );
    if (rows !== expected)
      throw new RestoreRefusal(`${key} has ${rows} rows, and its manifest says ${expected}`);
  } catch (error) {
    throw about(key, error);
  }
}

/** The text in parts that end with a line, so that each part can be a COPY of its own. */
async function* wholeLines(
  source: AsyncIterable<Uint8Array>,
  onLines: (count: number) => void,
): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const part of source) {
    const chunk = Buffer.concat([rest, part]);
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    rest = chunk.subarray(end);
    if (rest.length > LONGEST_LINE)
      throw new RestoreRefusal(`has a line of more than ${LONGEST_LINE} bytes, which is no row`);
    if (end === 0) continue;
    const lines = chunk.subarray(0, end);
    onLines(countLines(lines));
    yield lines;
  }
  if (rest.length > 0) throw new RestoreRefusal("ends within a row");
}

function countLines(text: Buffer): number {
  let count = 0;
  for (let at = text.indexOf(NEWLINE); at !== -1; at = text.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}
