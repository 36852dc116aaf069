import type { OwnClient } from "../session.ts";
import { type BackupLeaf, countSlotsOf, type LeafPart, slotOf, tableOf } from "./backup-leaf.ts";
import { pairsOf } from "./part-state.ts";
import { isNot, type RowKey } from "./row-keys.ts";

/**
 * Which slots of the leaf hold a candle of the part: bit i, the lowest of a byte first, for open times in the slot i of the
 * leaf. Zero bytes at the end are cut.
 */
export type PartSlots = LeafPart & { readonly slots: Uint8Array };

/** For each byte with a bit: 4 bytes with its place and, in the last one, its bits. */
const READ_SLOTS = (leaf: BackupLeaf, without: readonly RowKey[]) => `
  select coin_id as "coinId", "interval", string_agg(int4send((place * 256 + bits)::int), ''::bytea) as bytes
  from (
    select coin_id, "interval", slot / 8 as place, bit_or(1 << (slot % 8)::int) as bits
    from (select t.coin_id, t."interval", ${slotOf(leaf, "t")} as slot from ${tableOf(leaf)} t
          where ${['(t.coin_id, t."interval") in (select * from unnest($1::int[], $2::text[]))', ...isNot(without)].join(" and ")}) stored
    where slot between 0 and 65535 group by 1, 2, 3
  ) byte
  group by 1, 2 order by 1, 2`;

type SlotsRow = LeafPart & { readonly bytes: Buffer };

/** A part of a whole quarter of 15m or a month of 1m needs 22 kB on the way: with so many parts at once 1 MB. */
const AT_ONCE = 40;

/**
 * The slots of the parts but for the rows `without`, some parts at a time. Rows that damage put outside of the leaf have none: the part then has more
 * rows than slots.
 */
export async function* readSlots(
  client: OwnClient,
  leaf: BackupLeaf,
  parts: readonly LeafPart[],
  without: readonly RowKey[] = [],
): AsyncGenerator<PartSlots> {
  for (let start = 0; start < parts.length; start += AT_ONCE) {
    const pairs = pairsOf(parts.slice(start, start + AT_ONCE));
    for (const { bytes, ...part } of await client.query<SlotsRow>(READ_SLOTS(leaf, without), pairs))
      yield { ...part, slots: unpackSlots(bytes, countSlotsOf(leaf, part.interval)) };
  }
}

/** The bitmap of bytes that are packed as in READ_SLOTS; `count` is how many slots the leaf has. */
export function unpackSlots(packed: Buffer, count: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(count / 8));
  let end = 0;
  for (let at = 0; at < packed.length; at += 4) {
    const place = packed.readUInt32BE(at) >>> 8;
    if (place >= bytes.length) continue;
    bytes[place] = packed[at + 3] ?? 0;
    end = Math.max(end, place + 1);
  }
  return bytes.slice(0, end);
}
