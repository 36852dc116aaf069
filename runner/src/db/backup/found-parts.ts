import { type Slots, slotsOfRuns } from "../../archive/slots.ts";
import { WIDTH_MS } from "../../contract/intervals.ts";
import type { OwnClient } from "../session.ts";
import type { BackupLeaf, LeafPart } from "./backup-leaf.ts";
import { readSlots } from "./part-slots.ts";
import type { PartState } from "./part-state.ts";

/** What a table holds of a part. */
export type FoundPart = PartState & { readonly slots: Slots };

/**
 * The same parts with their slots. Only a part with a hole is read for them: to make the bitmaps of 2.7 million rows takes
 * twice the time of their hashes.
 */
export async function addSlots(
  client: OwnClient,
  leaf: BackupLeaf,
  states: readonly PartState[],
): Promise<readonly FoundPart[]> {
  const slots = new Map<string, Slots>();
  const broken = states.filter((state) => !isUnbroken(leaf, state));
  for await (const part of readSlots(client, leaf, broken)) slots.set(nameOf(part), part.slots);
  return states.map((state) => ({ ...state, slots: slots.get(nameOf(state)) ?? slotsOf(leaf, state) }));
}

/**
 * Whether the rows are the slots from the first to the last one, each once. Rows that damage put outside of the leaf have no
 * slot.
 */
export function isUnbroken(
  { span }: Pick<BackupLeaf, "span">,
  {
    rows,
    first,
    last,
    interval,
    isAligned,
  }: Pick<PartState, "rows" | "first" | "last" | "interval" | "isAligned">,
): boolean {
  const isInside = first >= span.from && last < span.to;
  return isInside && isAligned && rows === (last - first) / WIDTH_MS[interval] + 1;
}

function slotsOf(leaf: BackupLeaf, state: PartState): Slots {
  const { first, last, interval } = state;
  return isUnbroken(leaf, state)
    ? slotsOfRuns({ span: leaf.span, interval }, [{ first, last }])
    : new Uint8Array();
}

const nameOf = ({ coinId, interval }: LeafPart) => `${coinId} ${interval}`;
