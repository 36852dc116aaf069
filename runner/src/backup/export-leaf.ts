import type { Readable } from "node:stream";
import { areComparable, MIXED } from "../archive/hash-version.ts";
import { decodeSlots, encodeSlots } from "../archive/slots.ts";
import type { BackupLeaf, LeafPart } from "../db/backup/backup-leaf.ts";
import { copyChanged, copyParts, copyRows } from "../db/backup/copy-out.ts";
import type { Suspect as StoredSuspect } from "../db/backup/ledger.ts";
import type { RowKey } from "../db/backup/row-keys.ts";
import type { LeafWrite, PartWrite } from "../db/backup/write-ledger.ts";
import type { OwnClient } from "../db/session.ts";
import { keepRest } from "./keep-rest.ts";
import { type NextPart, planLeafExport } from "./leaf-export.ts";
import { lookAtLeaf } from "./look-leaf.ts";
import type { LeafLook, LeafQuestion, LookedPart } from "./look-part.ts";
import type { ObjectWriter, PlacedObject } from "./object-writer.ts";

/** An object of a leaf. `first`, `last`: open times (ms) between which its rows lie. */
export type LeafObject = PlacedObject & {
  readonly kind: "base" | "delta" | "beside";
  readonly leaf: string;
  readonly first: number;
  readonly last: number;
};

/** With the slots as manifests have them. */
type PackedPart = Omit<PartWrite, "slots"> & { readonly slots: string };

/**
 * What a backup found of a leaf and wrote of it. `parts`: those that changed. `sound`: those that are what is believed. All
 * leaves are held until the ledger is written: with bitmaps as they are, the first backup of six years of 60 symbols took
 * 192 MB of the 160 that it may take.
 */
export type ExportedLeaf = Pick<LeafWrite, "leaf" | "bases"> & {
  readonly parts: readonly PackedPart[];
  readonly objects: readonly LeafObject[];
  readonly suspects: readonly StoredSuspect[];
  readonly sound: readonly LeafPart[];
  readonly isWhole: boolean;
};

type Tools = { readonly client: OwnClient; readonly writer: ObjectWriter };

/** Looks at a leaf, judges its parts, and writes what of it has to be written. `besideAgain`: older suspect rows too. */
export async function exportLeaf(
  { client, writer }: Tools,
  question: LeafQuestion & { readonly besideAgain: readonly RowKey[] },
): Promise<ExportedLeaf> {
  const { leaf, horizon } = question;
  const look = await keepRest(client, question, await lookAtLeaf(client, question));
  const next = listNext(question, look);
  const plan = planLeafExport({ look, parts: next, span: leaf.span }, question.isDaily);
  const objects: LeafObject[] = [];
  const bases: LeafWrite["bases"][number][] = next.flatMap(
    ({ coinId, interval, before, believed, hasBase }) =>
      hasBase && before?.base ? [{ coinId, interval, key: before.base.key, hash: believed.hash }] : [],
  );
  const put = async (kind: LeafObject["kind"], rows: Readable, span: TimeRange) => {
    const placed = await writer.write(rows);
    if (placed !== null) objects.push({ ...placed, kind, leaf: leaf.name, ...span });
    return placed;
  };
  for (const group of plan.bases) {
    const counted = group.reduce((sum, { believed }) => sum + believed.rows, 0);
    const placed = await put(
      "base",
      copyParts(
        client,
        leaf,
        group,
        group.flatMap(({ without }) => without),
      ),
      rangeOf(group),
    );
    if (placed?.rows !== counted) throw twoAnswers(leaf, placed?.rows ?? 0, counted);
    for (const { coinId, interval, believed } of group)
      bases.push({ coinId, interval, key: placed.key, hash: believed.hash });
  }
  if (plan.delta !== null) {
    const rows =
      "rows" in plan.delta
        ? copyRows(client, leaf, plan.delta.rows)
        : copyChanged(client, leaf, { horizon, ...plan.delta });
    await put("delta", rows, { first: leaf.span.from, last: leaf.span.to - 1 });
  }
  const beside = [...question.besideAgain, ...plan.beside];
  if (beside.length > 0) await put("beside", copyRows(client, leaf, beside), rangeOfRows(beside));
  return {
    ...{ leaf, objects, bases, isWhole: look.isWhole },
    parts: next.filter(isChanged).map(pack),
    suspects: look.parts.flatMap(({ coinId, interval, judgement }) =>
      judgement.suspects.map((suspect) => ({ leaf: leaf.name, coinId, interval, ...suspect })),
    ),
    sound: look.parts.flatMap(({ coinId, interval, judgement }) =>
      judgement.isSound ? [{ coinId, interval }] : [],
    ),
  };
}

/** Every part of the leaf after the look: those that were not judged are what they were. */
function listNext({ believed, serverVersion }: LeafQuestion, { parts }: LeafLook): readonly NextPart[] {
  const textOf = ({ coinId, interval }: LeafPart) => `${coinId}:${interval}`;
  const judged = parts.map((part) => ({
    ...{ coinId: part.coinId, interval: part.interval, before: part.before },
    ...{ believed: part.judgement.believed, isSound: part.judgement.isSound },
    ...{ serverVersion: versionOf(part, serverVersion), hasBase: part.hasBase, without: part.without ?? [] },
    isRest: part.without !== null,
  }));
  const seen = new Set(judged.map(textOf));
  const others = believed.filter((part) => !seen.has(textOf(part)));
  return [
    ...judged,
    ...others.map((part) => ({
      ...{ coinId: part.coinId, interval: part.interval, before: part, believed: part, isSound: true },
      ...{ serverVersion: part.serverVersion, hasBase: false, without: [], isRest: false },
    })),
  ];
}

/** A part that could not be compared keeps the hash of the other server, and where it grew the hash is of both. */
function versionOf({ before, added, judgement, without }: LookedPart, here: number): number {
  if (before === null || judgement.isSound || without !== null || areComparable(before.serverVersion, here))
    return here;
  return added === null ? before.serverVersion : MIXED;
}

function isChanged({ before, believed, serverVersion }: NextPart): boolean {
  return (
    before?.rows !== believed.rows ||
    before.hash !== believed.hash ||
    before.nullHash !== believed.nullHash ||
    before.serverVersion !== serverVersion
  );
}

function pack({ coinId, interval, serverVersion, believed }: NextPart): PackedPart {
  const { rows, hash, nullRows, nullHash, first, last } = believed;
  const slots = encodeSlots(believed.slots);
  return { coinId, interval, rows, hash, nullRows, nullHash, slots, first, last, serverVersion };
}

/** The parts as the ledger gets them. */
export function unpackParts({ leaf, parts }: Pick<ExportedLeaf, "leaf" | "parts">): readonly PartWrite[] {
  return parts.map(({ slots, ...part }) => ({
    ...part,
    slots: decodeSlots({ span: leaf.span, interval: part.interval }, slots),
  }));
}

type TimeRange = { readonly first: number; readonly last: number };

function rangeOf(parts: readonly NextPart[]): TimeRange {
  const firsts = parts.map(({ believed }) => believed.first ?? Number.MAX_SAFE_INTEGER);
  return { first: Math.min(...firsts), last: Math.max(...parts.map(({ believed }) => believed.last ?? 0)) };
}

function rangeOfRows(rows: readonly RowKey[]): TimeRange {
  const times = rows.map(({ at }) => at);
  return { first: Math.min(...times), last: Math.max(...times) };
}

function twoAnswers({ name }: BackupLeaf, copied: number, counted: number): Error {
  return new Error(
    `r3a.${name} gave ${copied} rows where the same snapshot counted ${counted}: an index or a page of it is damaged; run pg_amcheck on the table`,
  );
}
