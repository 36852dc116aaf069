import { areComparable } from "../archive/hash-version.ts";
import type { PartRecord } from "../archive/leaf-record.ts";
import { areSameSlots, decodeSlots } from "../archive/slots.ts";
import type { BackupLeaf } from "../db/backup/backup-leaf.ts";
import { addSlots, type FoundPart } from "../db/backup/found-parts.ts";
import { type PartState, readPartStates } from "../db/backup/part-state.ts";
import type { OwnClient } from "../db/session.ts";
import { RestoreRefusal } from "./refusal.ts";

/** Parts that a refusal names. */
const SHOWN = 3;

/** Every part of a table that holds a leaf. */
export async function readFoundParts(client: OwnClient, leaf: BackupLeaf): Promise<readonly FoundPart[]> {
  return addSlots(client, leaf, await readPartStates(client, leaf));
}

const nameOf = ({ coinId, interval }: Pick<PartState, "coinId" | "interval">) => `${coinId} ${interval}`;

/**
 * `made`: the version of the server that made the hashes of the record, but for parts that name another; `here`: of this one.
 * Where they cannot be compared, rows, slots and the SHA-256 of each object must do.
 */
export type CheckedRecord = {
  readonly parts: readonly PartRecord[];
  readonly made: number;
  readonly here: number;
};

/**
 * What the table holds. Throws a RestoreRefusal where rows, slots or hash of a part are not what the record says, or a part
 * is not in it.
 */
export async function checkLeaf(
  client: OwnClient,
  leaf: BackupLeaf,
  record: CheckedRecord,
): Promise<readonly FoundPart[]> {
  const found = await readFoundParts(client, leaf);
  const fault = describeFaults(leaf, found, record);
  if (fault === null) return found;
  throw new RestoreRefusal(`the rows of its objects are not what it says of ${leaf.name}: ${fault}`);
}

/** How a table that holds a leaf differs from its record, with the first parts that do; null: it does not. */
export async function findLeafFault(
  client: OwnClient,
  leaf: BackupLeaf,
  record: CheckedRecord,
): Promise<string | null> {
  return describeFaults(leaf, await readFoundParts(client, leaf), record);
}

function describeFaults(leaf: BackupLeaf, parts: readonly FoundPart[], record: CheckedRecord): string | null {
  const found = new Map(parts.map((part) => [nameOf(part), part]));
  const differing = record.parts.flatMap((part) => {
    const hasHash = areComparable(part.serverVersion ?? record.made, record.here);
    const fault = faultOf(leaf, part, { found: found.get(nameOf(part)), hasHash });
    return fault === null ? [] : [`coin ${part.coinId} ${part.interval} ${fault}`];
  });
  const recorded = new Set(record.parts.map(nameOf));
  const others = [...found.values()]
    .filter((part) => !recorded.has(nameOf(part)))
    .map(
      ({ coinId, interval, rows }) => `coin ${coinId} ${interval} has ${rows} rows and is not in the record`,
    );
  const faults = [...differing, ...others];
  if (faults.length === 0) return null;
  const more = faults.length > SHOWN ? `; and ${faults.length - SHOWN} more` : "";
  return `${faults.slice(0, SHOWN).join("; ")}${more}`;
}

function faultOf(
  { span }: BackupLeaf,
  { rows, hash, slots, interval }: PartRecord,
  { found, hasHash }: { readonly found: FoundPart | undefined; readonly hasHash: boolean },
): string | null {
  if (found === undefined) return `has no row instead of ${rows}`;
  if (found.rows !== rows) return `has ${found.rows} rows instead of ${rows}`;
  if (!areSameSlots(found.slots, decodeSlots({ span, interval }, slots)))
    return "has its rows at other times";
  if (hasHash && String(found.hash) !== hash) return "has other values (its hash differs)";
  return null;
}
