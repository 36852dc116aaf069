import { rm } from "node:fs/promises";
import type { Readable } from "node:stream";
import { ObjectFault } from "../archive/object/fault.ts";
import { newAttempt, objectKey, parseObjectKey } from "../archive/object/key.ts";
import type { ObjectRef } from "../archive/object-ref.ts";
import type { Tier } from "../contract/tiers.ts";
import { StoreFault } from "../store/fault.ts";
import type { DueTiers } from "./due-tiers.ts";
import type { KnownObject, ObjectLedger } from "./object-ledger.ts";
import { copyObject, putObject, readBack } from "./put-objects.ts";
import { type SpooledObject, sealObject } from "./seal.ts";

/** A sealed object. `read`: the tiers from which this run read it to its end. `isNew`: this run made it. */
export type PlacedObject = ObjectRef & {
  readonly attempt: string;
  readonly read: readonly Tier[];
  readonly isNew: boolean;
};

export type ObjectWriter = {
  /** Seals rows (COPY text) and puts them into each tier that did not fail; null: there were none, and `emptyToo` is not set. */
  write(source: Readable, options?: { readonly emptyToo?: boolean }): Promise<PlacedObject | null>;
};

export type WriterTools = {
  readonly tiers: DueTiers;
  readonly spool: string;
  readonly recipients: readonly string[];
  readonly ledger: ObjectLedger;
  /** Is told of each object that this run read from a tier. */
  readonly onHeld: (tier: Tier, object: ObjectRef) => void;
  readonly signal: AbortSignal;
};

type CountedObject = SpooledObject & { readonly rows: number };

const NEWLINE = 0x0a;

/**
 * Writes objects one after the other: the spool holds one of them at a time. Plain bytes that an earlier backup wrote are
 * not put again where that object lies already.
 */
export function createObjectWriter(tools: WriterTools): ObjectWriter {
  const { spool, recipients, signal } = tools;
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
        const placed = await place(tools, { ...file, rows });
        written.set(plainSha256, placed);
        for (const tier of placed.read) tools.onHeld(tier, placed);
        return placed;
      } finally {
        await rm(file.path, { force: true });
      }
    },
  };
}

async function place(tools: WriterTools, file: CountedObject): Promise<PlacedObject> {
  const { ledger } = tools;
  const { plainSha256 } = file;
  const isHeld = ({ tiers }: KnownObject) => tiers.length > 0;
  const held = (await ledger.list(plainSha256)).findLast(isHeld);
  if (held !== undefined) return completeCopies(tools, held);
  return ledger.alone(plainSha256, async () => {
    // a run that was killed, or one that is at work, noted the newest and may have put it
    const noted = (await ledger.list(plainSha256)).at(-1);
    const read = noted === undefined ? [] : await findHolders(tools, noted);
    return noted === undefined || read.length === 0
      ? putNew(tools, file)
      : completeCopies(tools, { ...noted, tiers: read }, read);
  });
}

/** The tiers that hold the object by what they give. */
async function findHolders(
  { tiers, signal }: WriterTools,
  { key, bytes, sha256 }: ObjectRef,
): Promise<readonly Tier[]> {
  const holders: Tier[] = [];
  await tiers.inEach(async (store) => {
    try {
      await readBack(store, key, { bytes, sha256 }, signal);
      holders.push(store.tier);
    } catch (error) {
      const isNone = error instanceof StoreFault && (error.kind === "missing" || error.kind === "broken");
      if (!isNone && !(error instanceof ObjectFault)) throw error;
    }
  });
  return holders;
}

async function putNew(
  { tiers, ledger, signal }: WriterTools,
  { rows, path, bytes, sha256, plainBytes, plainSha256 }: CountedObject,
): Promise<PlacedObject> {
  const attempt = newAttempt();
  const key = objectKey(plainSha256, attempt);
  const object = { key, bytes, sha256, plainBytes, plainSha256, rows, attempt };
  await ledger.note(object);
  const read = await tiers.inEach((store) => putObject(store, key, { path, bytes, sha256 }, signal));
  return { ...object, read, isNew: true };
}

/** An object of these bytes lies in some tier: the others get a copy of it, since no tier stores the same bytes twice. */
async function completeCopies(
  { tiers, spool, signal }: WriterTools,
  { tiers: holders, ...known }: KnownObject,
  read: readonly Tier[] = [],
): Promise<PlacedObject> {
  const sources = tiers.list().filter(({ tier }) => holders.includes(tier));
  const done = await tiers.inEach(async (store) => {
    if (holders.includes(store.tier)) return;
    await copyObject(store, { key: known.key, facts: known, sources, spool }, signal);
  });
  const copied = done.filter((tier) => !holders.includes(tier));
  const attempt = parseObjectKey(known.key)?.attempt ?? "";
  return { ...known, attempt, read: [...read, ...copied], isNew: false };
}

function countLines(part: Buffer): number {
  let count = 0;
  for (let at = part.indexOf(NEWLINE); at !== -1; at = part.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}
