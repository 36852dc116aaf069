import { rm } from "node:fs/promises";
import type { Readable } from "node:stream";
import { newAttempt, objectKey, parseObjectKey } from "../archive/object/key.ts";
import type { ObjectRef } from "../archive/object-ref.ts";
import type { Tier } from "../contract/tiers.ts";
import type { DueTiers } from "./due-tiers.ts";
import { copyObject, putObject } from "./put-objects.ts";
import { type SpooledObject, sealObject } from "./seal.ts";

/** A sealed object, and the tiers that hold it since this run or an earlier one. */
export type PlacedObject = ObjectRef & {
  readonly attempt: string;
  readonly tiers: readonly Tier[];
  readonly isNew: boolean;
};

/** An object of an earlier backup with these plain bytes; null: there is none. */
export type FindKnown = (
  plainSha256: string,
) => Promise<(ObjectRef & { readonly tiers: readonly Tier[] }) | null>;

export type ObjectWriter = {
  /** Seals rows (COPY text) and puts them into each tier that did not fail; null: there were none, and `emptyToo` is not set. */
  write(source: Readable, options?: { readonly emptyToo?: boolean }): Promise<PlacedObject | null>;
};

export type WriterTools = {
  readonly tiers: DueTiers;
  readonly spool: string;
  readonly recipients: readonly string[];
  readonly findKnown: FindKnown;
  /** Is told of each object that was put into a tier and read back. */
  readonly onHeld: (tier: Tier, object: ObjectRef) => void;
  readonly signal: AbortSignal;
};

const NEWLINE = 0x0a;

/**
 * Writes objects one after the other: the spool holds one of them at a time. Plain bytes that an earlier backup wrote are
 * not put again where that object lies already.
 */
export function createObjectWriter(tools: WriterTools): ObjectWriter {
  const { spool, recipients, findKnown, signal } = tools;
  /** Of this run, by their plain bytes: every empty table is the same object. */
  const written = new Map<string, PlacedObject>();
  return {
    async write(source, { emptyToo = false } = {}) {
      let rows = 0;
      const counted = async function* () {
        for await (const part of source as AsyncIterable<Buffer>) {
          rows += countLines(part);
          yield part;
        }
      };
      const file = await sealObject(counted(), { spool, recipients, signal });
      try {
        if (rows === 0 && !emptyToo) return null;
        const { plainSha256 } = file;
        const same = written.get(plainSha256);
        if (same !== undefined) return { ...same, isNew: false };
        const known = await findKnown(plainSha256);
        const placed =
          known !== null && known.tiers.length > 0
            ? await completeCopies(tools, known)
            : await putNew(tools, { ...file, rows });
        written.set(plainSha256, placed);
        for (const tier of placed.tiers) tools.onHeld(tier, placed);
        return placed;
      } finally {
        await rm(file.path, { force: true });
      }
    },
  };
}

async function putNew(
  { tiers, signal }: WriterTools,
  { rows, path, bytes, sha256, plainBytes, plainSha256 }: SpooledObject & { readonly rows: number },
): Promise<PlacedObject> {
  const attempt = newAttempt();
  const key = objectKey(plainSha256, attempt);
  const held = await tiers.inEach((store) => putObject(store, key, { path, bytes, sha256 }, signal));
  return { key, bytes, sha256, plainBytes, plainSha256, rows, attempt, tiers: held, isNew: true };
}

/** An object of these bytes lies in some tier: the others get a copy of it, since no tier stores the same bytes twice. */
async function completeCopies(
  { tiers, spool, signal }: WriterTools,
  known: ObjectRef & { readonly tiers: readonly Tier[] },
): Promise<PlacedObject> {
  const sources = tiers.list().filter(({ tier }) => known.tiers.includes(tier));
  const copied = await tiers.inEach(async (store) => {
    if (known.tiers.includes(store.tier)) return;
    await copyObject(store, { key: known.key, facts: known, sources, spool }, signal);
  });
  const attempt = parseObjectKey(known.key)?.attempt ?? "";
  return { ...known, attempt, tiers: [...new Set([...known.tiers, ...copied])], isNew: false };
}

function countLines(part: Buffer): number {
  let count = 0;
  for (let at = part.indexOf(NEWLINE); at !== -1; at = part.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}
