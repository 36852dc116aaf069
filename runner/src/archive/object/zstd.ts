import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";
import { messageOf } from "../../errors.ts";
import { ObjectFault } from "./fault.ts";
import { passOneFrame } from "./frame.ts";

/** A window of 2 MB, which level 3 takes by itself, written down: `zstd -d` without a flag takes up to 128 MB. */
const WINDOW_LOG = 21;
/** 8 MB, what RFC 8878 asks of every decoder: who seals by hand with -19 stays within it. */
const LARGEST_WINDOW_LOG = 23;

/**
 * The source as exactly one zstd frame. The frame is ended apart from the last bytes: where Node's compressor got both at
 * once, it ended the frame twice, and an empty frame followed, which `passOneFrame` takes for damage (Node 24.21).
 */
export async function* compress(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const encoder = createZstdCompress({
    params: {
      [constants.ZSTD_c_compressionLevel]: 3,
      [constants.ZSTD_c_windowLog]: WINDOW_LOG,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
  // its error reaches the loop below, which reads the encoder
  const fed = feed(source, encoder).catch((error: Error) => encoder.destroy(error));
  try {
    yield* encoder as AsyncIterable<Uint8Array>;
  } finally {
    encoder.destroy();
    await fed;
  }
}

async function feed(source: AsyncIterable<Uint8Array>, encoder: Writable): Promise<void> {
  for await (const chunk of source) {
    const written = Promise.withResolvers<void>();
    encoder.write(chunk, (error) => (error ? written.reject(error) : written.resolve()));
    await written.promise;
  }
  encoder.end();
}

/** The content of exactly one zstd frame. A reader that stops early stops the source too. */
export async function* decompress(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: LARGEST_WINDOW_LOG } });
  const fed = pipeline(source, passOneFrame, decoder).catch(() => {}); // the loop reads its last stream, and so its error
  try {
    yield* decoder as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (!isOfDecoder(error)) throw error;
    throw new ObjectFault(`zstd cannot read what the object holds: ${messageOf(error)}`, { cause: error });
  } finally {
    decoder.destroy();
    await fed;
  }
}

function isOfDecoder(error: unknown): boolean {
  const { code = "" } = error as NodeJS.ErrnoException;
  return /^Z(STD_error)?_/.test(code);
}
