import { ObjectFault } from "./fault.ts";

const MAGIC = 0xfd2fb528;
/** Of RFC 8878: no block holds more. */
const LARGEST_BLOCK = 128 * 1024;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;

type Step = "magic" | "header" | "block" | "body" | "checksum" | "behind";

/**
 * Passes the bytes of exactly one zstd frame on. Node's decoder does not see to this: what follows a frame is decoded,
 * dropped without a word, or ends in a premature close, just as the bytes arrive in chunks (Node 24.21).
 */
export async function* passOneFrame(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const frame = followFrame();
  // the part with the end of the frame waits until nothing follows
  let last: Uint8Array | null = null;
  for await (const chunk of source) {
    frame.follow(chunk);
    if (chunk.length === 0) continue;
    if (frame.isWhole()) last = chunk;
    else yield chunk;
  }
  if (last === null) throw new ObjectFault("the zstd frame of the object is cut");
  yield last;
}

/** Follows the headers of a frame and its blocks, RFC 8878 3.1.1; the content is the decoder's affair. */
function followFrame() {
  let step: Step = "magic";
  /** Bytes until the next decision, and the read ones of a header, little endian. */
  let left = 5;
  let value = 0;
  let read = 0;
  let hasChecksum = false;
  let isLast = false;
  const go = (to: Step, bytes: number) => {
    step = to;
    left = bytes;
    value = 0;
    read = 0;
  };
  const leaveBlock = () => {
    if (!isLast) go("block", 3);
    else if (hasChecksum) go("checksum", 4);
    else go("behind", 0);
  };
  const decide = () => {
    if (step === "magic") {
      // the five bytes are below 2^53: the magic number, then the descriptor
      if (value % 2 ** 32 !== MAGIC) throw new ObjectFault("what the object holds is no zstd frame");
      const descriptor = Math.floor(value / 2 ** 32);
      hasChecksum = (descriptor & 4) !== 0;
      go("header", restOfHeader(descriptor));
    } else if (step === "header") go("block", 3);
    else if (step === "block") {
      isLast = (value & 1) === 1;
      const type = (value >> 1) & 3;
      const size = value >> 3;
      if (type === 3 || size > LARGEST_BLOCK)
        throw new ObjectFault("the zstd frame of the object is damaged: it has a block of no known kind");
      // a run of one byte is stored as that byte
      const stored = type === 1 ? 1 : size;
      if (stored === 0) leaveBlock();
      else go("body", stored);
    } else if (step === "body") leaveBlock();
    else go("behind", 0);
  };
  return {
    follow(chunk: Uint8Array) {
      for (let at = 0; at < chunk.length; ) {
        if (step === "behind") throw new ObjectFault("bytes follow the zstd frame of the object");
        if (step === "magic" || step === "block") {
          value += (chunk[at] ?? 0) * 2 ** (8 * read);
          read += 1;
          at += 1;
          left -= 1;
        } else {
          const passed = Math.min(left, chunk.length - at);
          at += passed;
          left -= passed;
        }
        if (left === 0) decide();
      }
    },
    isWhole: () => step === "behind",
  };
}

/** Bytes of the frame's header behind the descriptor: window, dictionary, size of the content. */
function restOfHeader(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? Number(isSingleSegment) : 2 ** sizeFlag;
  return (isSingleSegment ? 0 : 1) + (DICTIONARY_BYTES[descriptor & 3] ?? 0) + sizeBytes;
}
