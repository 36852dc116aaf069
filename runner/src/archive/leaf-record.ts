import { INTERVALS, type Interval } from "../contract/intervals.ts";
import { type Leaf, leafAt } from "../partition/layout.ts";
import {
  listOf,
  objectOf,
  oneOf,
  orNothing,
  orNull,
  type Read,
  text,
  timeText,
  WrongValue,
  whole,
} from "./bounded-json.ts";
import { measureText, parseNamedText, TextFault } from "./named-text.ts";
import { type ObjectRef, readObjectRef } from "./object-ref.ts";
import { HASH_LIMIT } from "./part.ts";
import { countSlots, decodeSlots, indexOf, lastSlot, listSlots } from "./slots.ts";

/**
 * What a restore must give back for a part: so many rows with this hash (decimal, below 2^64) in these slots
 * (`encodeSlots`). `first`, `last`: open times, ISO UTC. `base`: index into `bases`; null: all rows are in deltas.
 * `baseBackup`: the backup whose snapshot the base shows: the deltas of later backups are applied, and none of earlier
 * ones, whose rows are out of date; null as `base`. `serverVersion`: of the server that made the hash (0: of two), where it
 * cannot be compared with those of the server that the manifest names.
 */
export type PartRecord = {
  readonly coinId: number;
  readonly interval: Interval;
  readonly rows: number;
  readonly hash: string;
  readonly slots: string;
  readonly first: string;
  readonly last: string;
  readonly base: number | null;
  readonly baseBackup: number | null;
  readonly serverVersion?: number | undefined;
};

/** The parts of one leaf, as a text of its own that is written once: a leaf that did not change costs nothing. */
export type LeafRecord = {
  readonly version: 1;
  readonly leaf: string;
  readonly bases: readonly ObjectRef[];
  readonly parts: readonly PartRecord[];
};

const VERSION = 1;
const LEAF_NAME = /^ohlcv_(1m_\d{4}_(0[1-9]|1[0-2])|15m_\d{4}_q[1-4]|1h_\d{4}|slow_\d{4})$/;
export const LEAF_KEY = /^leaves\/(ohlcv_[0-9a-z_]{2,20})-([0-9a-f]{64})\.json$/;
/** Coins have positive ids of four bytes. */
export const LARGEST_COIN_ID = 2 ** 31 - 1;
/** 600 symbols twice, with room: 4h and 1d share a leaf. */
const MOST_PARTS = 50_000;
const MOST_BASES = 10_000;
/** Of a random bitmap of the longest quarter, in base64, with room. */
const MOST_SLOT_TEXT = 16_384;

export const readLeafName = text(30, LEAF_NAME);
/** Whether a table of this name (without schema) can be a leaf of the candle table. */
export const isLeafName = (name: string): boolean => LEAF_NAME.test(name);
export const readInterval = oneOf(...INTERVALS);

/** The text and the key that it is stored under. Equal records make equal texts when their parts are in one order. */
export function renderLeafRecord(record: LeafRecord): { readonly key: string; readonly text: string } {
  const content = `${JSON.stringify(record)}\n`;
  return { key: `leaves/${record.leaf}-${measureText(content).sha256}.json`, text: content };
}

/** Throws a TextFault where the text is not what its key says or cannot be right, a SettingsFault where a later release wrote it. */
export function parseLeafRecord(key: string, content: string): LeafRecord {
  const [, leaf, sha256] = LEAF_KEY.exec(key) ?? [];
  if (leaf === undefined || sha256 === undefined) throw new TextFault(`${key} is no name of a leaf record`);
  const value = parseNamedText(key, sha256, content, VERSION);
  try {
    const record = readRecord(value, "");
    if (record.leaf !== leaf) throw new WrongValue("leaf", `must be ${leaf}, as the name says`);
    checkParts(record);
    return record;
  } catch (error) {
    if (!(error instanceof WrongValue)) throw error;
    throw new TextFault(`${key} cannot be right: ${error.message}`, { cause: error });
  }
}

/** The leaf of a name, by the layout. The name must have the form that `readLeafName` takes. */
export function leafOfName(name: string): Leaf {
  const [, kind = "", year = "", part = ""] = /^ohlcv_([^_]+)_(\d{4})(?:_q?(\d+))?$/.exec(name) ?? [];
  const interval = kind === "slow" ? "4h" : readInterval(kind, "the interval of the leaf");
  const month = part === "" ? 0 : interval === "15m" ? (Number(part) - 1) * 3 : Number(part) - 1;
  return leafAt(interval, Date.UTC(Number(year), month));
}

const readPart: Read<PartRecord> = objectOf<PartRecord>({
  coinId: whole(1, LARGEST_COIN_ID),
  interval: readInterval,
  rows: whole(1, 1_000_000),
  hash: text(20, /^(0|[1-9]\d{0,19})$/),
  slots: text(MOST_SLOT_TEXT),
  first: timeText,
  last: timeText,
  base: orNull(whole(0, MOST_BASES - 1)),
  baseBackup: orNull(whole(1)),
  serverVersion: orNothing(whole(0, 9_999_999)),
});

const readRecord: Read<LeafRecord> = objectOf<LeafRecord>({
  version: oneOf(VERSION),
  leaf: readLeafName,
  bases: listOf(readObjectRef, MOST_BASES),
  parts: listOf(readPart, MOST_PARTS),
});

function checkParts({ leaf, bases, parts }: LeafRecord): void {
  const { parent, span } = leafOfName(leaf);
  const seen = new Set<string>();
  for (const [index, part] of parts.entries()) {
    const fail = (field: keyof PartRecord, words: string): never => {
      throw new WrongValue(`parts[${index}].${field}`, words);
    };
    const range = { span, interval: part.interval };
    if (leafAt(part.interval, span.from).parent !== parent) fail("interval", `does not belong into ${leaf}`);
    if (seen.has(`${part.coinId}:${part.interval}`)) fail("coinId", "stands there twice");
    seen.add(`${part.coinId}:${part.interval}`);
    if (BigInt(part.hash) >= HASH_LIMIT) fail("hash", "must be below 2^64");
    if (part.base !== null && part.base >= bases.length) fail("base", `must be below ${bases.length}`);
    if ((part.base === null) !== (part.baseBackup === null)) fail("baseBackup", "must be null where base is");
    const [first, last] = [Date.parse(part.first), Date.parse(part.last)];
    if (first < span.from || last >= span.to || first > last)
      fail("first", "and last must lie in the leaf, in order");
    try {
      const slots = decodeSlots(range, part.slots);
      const count = countSlots(slots);
      // misaligned candles of 2017/18 share a slot with another
      if (count > part.rows || count === 0) fail("slots", `has ${count} slots for ${part.rows} rows`);
      const [lowest] = listSlots(slots);
      if (lowest !== indexOf(range, first)) fail("slots", "must begin with the slot of first");
      if (lastSlot(slots) !== indexOf(range, last)) fail("slots", "must end with the slot of last");
    } catch (error) {
      if (error instanceof WrongValue) throw error;
      fail("slots", error instanceof Error ? error.message : String(error));
    }
  }
}
