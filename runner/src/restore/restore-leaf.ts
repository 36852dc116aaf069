import type { PartRecord } from "../archive/leaf-record.ts";
import { openObject } from "../archive/object/open.ts";
import type { ObjectRef } from "../archive/object-ref.ts";
import { INTERVALS } from "../contract/intervals.ts";
import {
  addBounds,
  addKey,
  addRows,
  makeScratchLeaf,
  mergeDelta,
  type ScratchLeaf,
  stageRows,
} from "../db/restore/scratch-leaf.ts";
import type { OwnClient } from "../db/session.ts";
import { leafAt } from "../partition/layout.ts";
import type { Store } from "../store/store.ts";
import { sendInBatches } from "./batches.ts";
import { checkLeaf } from "./check-leaf.ts";
import type { LeafPlan, LeafStep } from "./leaf-plan.ts";
import { pickRows } from "./pick-rows.ts";
import { about, RestoreRefusal } from "./refusal.ts";

export type PlannedLeaf = LeafPlan<PartRecord, ObjectRef> & { readonly parent: string };
export type Step = LeafStep<PartRecord, ObjectRef>;

/** Where the objects are and how they are opened. `onRows` gets the numbers of rows as they pass. */
export type Source = {
  readonly store: Store;
  readonly identity: string;
  readonly signal: AbortSignal;
  readonly onRows: (rows: number) => void;
};

/** Of the server that made the hashes of the record, and of this one. */
export type Versions = { readonly made: number; readonly here: number };

type Target = { readonly plan: PlannedLeaf; readonly schema: string; readonly versions: Versions };

/**
 * Makes the table of one leaf in `schema` and compares it with its record, in one transaction: where an object or a part is
 * refused, nothing of the leaf stays. Throws what `reasonOf` takes where the backup is at fault.
 */
export async function restoreLeaf(
  client: OwnClient,
  { plan, schema, versions }: Target,
  source: Source,
): Promise<void> {
  const leaf = scratchOf(plan, schema);
  await makeScratchLeaf(client, leaf, async () => {
    for (const step of plan.steps.filter(({ kind }) => kind === "base"))
      await apply(step, source, (rows) => addRows(client, leaf, rows));
    await addKey(client, leaf);
    for (const step of plan.steps.filter(({ kind }) => kind === "delta"))
      await applyDelta(client, { leaf, step }, source);
    await addBounds(client, leaf);
    await checkLeaf(client, { ...leaf, parent: plan.parent }, { parts: plan.parts, ...versions });
  });
}

/** The table of a leaf beside the live one. */
export function scratchOf({ name, span }: Pick<PlannedLeaf, "name" | "span">, schema: string): ScratchLeaf {
  const intervals = INTERVALS.filter((interval) => leafAt(interval, span.from).name === name);
  return { schema, name, span, intervals };
}

/** Lets the rows of a delta replace those of the same key. */
export async function applyDelta(
  client: OwnClient,
  { leaf, step }: { readonly leaf: ScratchLeaf; readonly step: Step },
  source: Source,
): Promise<void> {
  let isStaged = false;
  await apply(step, source, (rows) => {
    isStaged = true;
    return stageRows(client, leaf, rows);
  });
  if (!isStaged) return;
  try {
    await mergeDelta(client, leaf);
  } catch (error) {
    throw about(step.object.key, error);
  }
}

/** Sends the rows of one object, and refuses it where it is not what the manifest says. */
export async function apply(
  { object, parts }: Step,
  { store, identity, signal, onRows }: Source,
  send: (rows: readonly Buffer[]) => Promise<void>,
): Promise<void> {
  const { key, rows: expected } = object;
  let all = 0;
  try {
    const plain = openObject(await store.get(key, signal), { identity, expected: object, signal });
    const series = parts.map(({ coinId, interval }) => `${coinId}\t${interval}\t`);
    const rows = pickRows(plain, series, (seen) => {
      all += seen.all;
      onRows(seen.rows);
    });
    await sendInBatches(rows, send);
    if (all !== expected)
      throw new RestoreRefusal(`${key} has ${all} rows, and its manifest says ${expected}`);
  } catch (error) {
    throw about(key, error);
  }
}
