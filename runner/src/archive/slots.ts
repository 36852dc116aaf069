import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Span } from "../candle/span.ts";
import { type Interval, WIDTH_MS } from "../contract/intervals.ts";

/**
 * Which slots of a part hold a candle: bit i, the lowest of each byte first, for open times in [from + i * width, + width)
 * where `from` is the start of the leaf. Zero bytes at the end are cut, so equal sets are equal bytes. A month of 1m has
 * 5,580 bytes. A count is fooled by one candle that vanished and one that came; these are not.
 */
export type Slots = Uint8Array;

/** Where the slots of a part lie: the open times of its leaf, and its interval. */
export type SlotRange = { readonly span: Span; readonly interval: Interval };

/** Slots of a leaf of `interval` that holds `span`. */
export function countRange({ span, interval }: SlotRange): number {
  return Math.ceil((span.to - span.from) / WIDTH_MS[interval]);
}

/** The index of the slot that holds an open time (ms); throws where the leaf does not hold that time. */
export function indexOf({ span, interval }: SlotRange, ms: number): number {
  if (!(ms >= span.from && ms < span.to))
    throw new RangeError(
      `${ms} is no open time of a leaf of ${new Date(span.from).toISOString()} to ${new Date(span.to).toISOString()}`,
    );
  return Math.floor((ms - span.from) / WIDTH_MS[interval]);
}

/** From open times (ms) in any order; misaligned ones of 2017/18 count in the slot that holds them. */
export function slotsOfTimes(range: SlotRange, times: Iterable<number>): Slots {
  const bytes = new Uint8Array(Math.ceil(countRange(range) / 8));
  for (const ms of times) setBit(bytes, indexOf(range, ms));
  return cut(bytes);
}

/** From runs without a hole: first and last open time (ms) of each, both included. */
export function slotsOfRuns(
  range: SlotRange,
  runs: Iterable<{ readonly first: number; readonly last: number }>,
): Slots {
  const bytes = new Uint8Array(Math.ceil(countRange(range) / 8));
  for (const { first, last } of runs) {
    const end = indexOf(range, last);
    for (let index = indexOf(range, first); index <= end; index += 1) setBit(bytes, index);
  }
  return cut(bytes);
}

export function hasSlot(slots: Slots, index: number): boolean {
  return ((slots[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
}

export function countSlots(slots: Slots): number {
  let count = 0;
  for (let byte of slots) for (; byte !== 0; byte &= byte - 1) count += 1;
  return count;
}

/** The indexes of the slots that are set, from the lowest. */
export function* listSlots(slots: Slots): Generator<number, void> {
  for (let index = 0; index < slots.length * 8; index += 1) if (hasSlot(slots, index)) yield index;
}

/** The highest slot that is set; -1 where none is. */
export function lastSlot(slots: Slots): number {
  const byte = slots.at(-1);
  return byte === undefined ? -1 : slots.length * 8 - 1 - Math.clz32(byte) + 24;
}

/** The open times (ms) of the slots that are set, as aligned candles have them. */
export function* listTimes({ span, interval }: SlotRange, slots: Slots): Generator<number, void> {
  for (const index of listSlots(slots)) yield span.from + index * WIDTH_MS[interval];
}

/** The slots that are set, as spans (ms) from the begin of the first slot to the end of the last one, in order. */
export function runsOfSlots({ span, interval }: SlotRange, slots: Slots): Span[] {
  const width = WIDTH_MS[interval];
  const runs: Span[] = [];
  let begin = -1;
  for (let index = 0; index <= slots.length * 8; index += 1) {
    const isSet = hasSlot(slots, index);
    if (isSet && begin < 0) begin = index;
    if (isSet || begin < 0) continue;
    runs.push({ from: span.from + begin * width, to: span.from + index * width });
    begin = -1;
  }
  return runs;
}

export function unionSlots(a: Slots, b: Slots): Slots {
  return cut(Uint8Array.from({ length: Math.max(a.length, b.length) }, (_, i) => (a[i] ?? 0) | (b[i] ?? 0)));
}

/** What of `a` is not in `b`. */
export function subtractSlots(a: Slots, b: Slots): Slots {
  return cut(a.map((byte, index) => byte & ~(b[index] ?? 0)));
}

export function areSameSlots(a: Slots, b: Slots): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** As manifests hold the slots: deflated, in base64. A month without a hole has about 50 characters. */
export function encodeSlots(slots: Slots): string {
  return deflateRawSync(slots).toString("base64");
}

/**
 * The slots in a text of `encodeSlots`. Throws where the text is none, or has slots that the leaf does not: at most as many
 * bytes are inflated as the leaf can have.
 */
export function decodeSlots(range: SlotRange, text: string): Slots {
  const count = countRange(range);
  const most = Math.ceil(count / 8);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new Error("is not base64");
  const packed = Buffer.from(text, "base64");
  if (packed.toString("base64") !== text) throw new Error("is not base64");
  const bytes = new Uint8Array(inflateRawSync(packed, { maxOutputLength: Math.max(most, 1) }));
  if (bytes.length > most) throw new Error(`has ${bytes.length} bytes of slots where ${most} can be`);
  if (bytes.length > 0 && bytes.at(-1) === 0) throw new Error("ends with a byte without slots");
  if (count % 8 !== 0 && bytes.length === most && (bytes.at(-1) ?? 0) >> (count % 8) !== 0)
    throw new Error(`has slots beyond the ${count} of its leaf`);
  return bytes;
}

function setBit(bytes: Uint8Array, index: number): void {
  bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (1 << (index & 7));
}

function cut(bytes: Uint8Array): Slots {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return bytes.slice(0, end);
}
