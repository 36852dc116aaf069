import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";
import { messageOf } from "../../errors.ts";
import { ObjectFault } from "./fault.ts";
import { passOneFrame } from "./frame.ts";

/** A window of 2 MB, which level 3 takes by itself, written down: `zstd -d` without a flag takes up to 128 MB. */
const WINDOW_LOG = 21;
/** 8 MB, what RFC 8878 asks of every decoder: who seals by hand with -19 stays within it. */
const LARGEST_WINDOW_LOG = 23;

export function compressor() {
  return createZstdCompress({
    params: {
      [constants.ZSTD_c_compressionLevel]: 3,
      [constants.ZSTD_c_windowLog]: WINDOW_LOG,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
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
