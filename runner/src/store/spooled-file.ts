import { open } from "node:fs/promises";
import { messageOf } from "../errors.ts";

const PART_BYTES = 1024 * 1024;

/** The parts of the local file that is put. Its faults are of this machine, not of the store, and so no StoreFault. */
export async function* readSpooled(path: string): AsyncGenerator<Buffer, void> {
  try {
    const file = await open(path, "r");
    yield* file.createReadStream({ highWaterMark: PART_BYTES }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw new Error(`the file to put, ${path}, cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
