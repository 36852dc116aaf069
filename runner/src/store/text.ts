import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { StoreFault, type StorePlace } from "./fault.ts";
import { TEXT_BYTES } from "./store.ts";

/** A text as its bytes, their length and SHA-256 (hex). */
export type EncodedText = { readonly body: Buffer; readonly bytes: number; readonly sha256: string };

export function encodeText(text: string, place: StorePlace): EncodedText {
  const body = Buffer.from(text, "utf8");
  if (body.length > TEXT_BYTES) throw tooLong(body.length, "stored as a text", place);
  return { body, bytes: body.length, sha256: createHash("sha256").update(body).digest("hex") };
}

/** The whole of a stream of `bytes` as a text. */
export async function readText(stream: Readable, bytes: number, place: StorePlace): Promise<string> {
  if (bytes > TEXT_BYTES) {
    stream.destroy();
    throw tooLong(bytes, "read as a text", place);
  }
  const parts: Buffer[] = [];
  for await (const part of stream as AsyncIterable<Buffer>) parts.push(part);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts));
  } catch (error) {
    const text = "it is no text in UTF-8; take it from another tier";
    throw new StoreFault("broken", text, { ...place, cause: error });
  }
}

function tooLong(bytes: number, use: string, place: StorePlace): StoreFault {
  return new StoreFault(
    "broken",
    `it has ${bytes} bytes, and at most ${TEXT_BYTES} can be ${use}; nothing was taken of it`,
    place,
  );
}

export async function* partsOf(body: Buffer): AsyncGenerator<Buffer, void> {
  yield body;
}
