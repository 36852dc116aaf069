import { runsOfSlots } from "../../../archive/slots.ts";
import type { Span } from "../../../candle/span.ts";
import { WIDTH_MS } from "../../../contract/intervals.ts";
import { type BackupLeaf, isAligned, type LeafPart, tableOf } from "../../backup/backup-leaf.ts";
import { isUnbroken } from "../../backup/found-parts.ts";
import { readSlots } from "../../backup/part-slots.ts";
import type { PartState } from "../../backup/part-state.ts";
import { columnsOf, hasNull } from "../../backup/row-hash.ts";
import { scratchOf } from "../../leaf/scratch.ts";
import type { OwnClient } from "../../session.ts";
import { msOf } from "../../sql-time.ts";

/** `spans`: slots of the part with a candle, disjoint and in order. `lacksValues`: some rows lack a value that is no fault. */
export type StoredPart = { readonly spans: readonly Span[]; readonly lacksValues: boolean };
/** What the scratch table of a leaf holds, by `partName`. */
export type Stored = ReadonlyMap<string, StoredPart>;

export const partName = ({ coinId, interval }: LeafPart) => `${coinId} ${interval}`;

type PartRow = Pick<PartState, "coinId" | "interval" | "rows" | "first" | "last" | "isAligned"> & {
  readonly lacksValues: boolean;
};

const READ_PARTS = (leaf: BackupLeaf) => `
  select t.coin_id as "coinId", t."interval", count(*)::float8 as rows, ${msOf('min(t."timestamp")')} as first,
         ${msOf('max(t."timestamp")')} as last, bool_and(${isAligned(leaf, "t")}) as "isAligned",
         bool_or(${hasNull(columnsOf("t"))}) as "lacksValues"
  from ${tableOf(leaf)} t group by t.coin_id, t."interval" order by t.coin_id, t."interval"`;

/** What the scratch table of the leaf holds. Reads each row once, those of a part with a hole twice. */
export async function readStored(client: OwnClient, leaf: BackupLeaf): Promise<Stored> {
  const scratch = scratchOf(leaf);
  const parts = await client.query<PartRow>(READ_PARTS(scratch));
  const spans = new Map<string, readonly Span[]>();
  const broken = parts.filter((part) => !isUnbroken(scratch, part));
  for (const part of broken) spans.set(partName(part), []);
  for await (const { slots, ...part } of readSlots(client, scratch, broken))
    spans.set(partName(part), runsOfSlots({ span: leaf.span, interval: part.interval }, slots));
  return new Map(
    parts.map(({ first, last, lacksValues, ...part }) => {
      const whole = [{ from: first, to: last + WIDTH_MS[part.interval] }];
      return [partName(part), { spans: spans.get(partName(part)) ?? whole, lacksValues }];
    }),
  );
}
