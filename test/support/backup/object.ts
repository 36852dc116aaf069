import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { constants, zstdCompressSync } from "node:zlib";
import { Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import type { ObjectFacts } from "../../../runner/src/archive/object/facts.ts";
import { openObject } from "../../../runner/src/archive/object/open.ts";
import { sealObject } from "../../../runner/src/backup/seal.ts";

export const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
export const NEVER = new AbortController().signal;

/** A new key pair of age. */
export async function newKey() {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/** The bytes in parts of `size`, as a network brings them. */
export function inParts(bytes: Uint8Array, size: number): Readable {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size));
  return Readable.from(parts);
}

export type Sealed = { readonly cipher: Buffer; readonly facts: ObjectFacts };

/** Seals as the runner does, and reads the file of the spool. */
export async function seal(plain: Uint8Array, sealing: { spool: string; recipients: readonly string[] }) {
  const { path, ...facts } = await sealObject(inParts(plain, 10_000), { ...sealing, signal: NEVER });
  return { cipher: await readFile(path), facts } satisfies Sealed;
}

/** Encrypts what is no frame of ours, with facts that are true of the stored bytes. */
export async function sealByHand(content: Uint8Array, plain: Uint8Array, recipient: string): Promise<Sealed> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  const cipher = Buffer.from(await encrypter.encrypt(content));
  return { cipher, facts: { ...factsOf(cipher), plainBytes: plain.length, plainSha256: sha256(plain) } };
}

export function factsOf(cipher: Uint8Array) {
  return { bytes: cipher.length, sha256: sha256(cipher) };
}

export function compress(plain: Uint8Array, windowLog = 21): Buffer {
  return zstdCompressSync(plain, {
    params: { [constants.ZSTD_c_windowLog]: windowLog, [constants.ZSTD_c_checksumFlag]: 1 },
  });
}

/** The plain bytes, or the error of the stream. */
export function open({ cipher, facts }: Sealed, identity: string, partSize = 1_000): Promise<Buffer> {
  return buffer(openObject(inParts(cipher, partSize), { identity, expected: facts, signal: NEVER }));
}
