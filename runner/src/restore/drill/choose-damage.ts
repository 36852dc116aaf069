import { randomInt } from "node:crypto";
import type { Manifest } from "../../archive/manifest.ts";
import { planLeaf } from "../leaf-plan.ts";
import { readLeafRecord } from "../manifests.ts";
import { reasonOf } from "../refusal.ts";
import type { Opened } from "../whole/read-object.ts";
import type { Damage } from "./layers.ts";

/**
 * Any byte of any object that the smallest leaf is restored from: the leaf is read twice then, so a large one would take its
 * time. Where there is no candle, or the record of that leaf is broken, of the schema: the restore says of the leaf what is.
 */
export async function chooseDamage(
  manifest: Manifest,
  { store, signal }: Pick<Opened, "store" | "signal">,
): Promise<Damage> {
  const [leaf] = manifest.leaves.filter(({ rows }) => rows > 0).toSorted((a, b) => a.rows - b.rows);
  if (leaf === undefined) return anyByte(manifest.schema);
  const record = await readLeafRecord(store, leaf, signal).catch((error: unknown) => {
    if (reasonOf(error) === null) throw error;
    return { bases: [], parts: [] };
  });
  const span = { from: Date.parse(leaf.from), to: Date.parse(leaf.to) };
  const deltas = manifest.deltas.filter((delta) => delta.leaf === leaf.name);
  const { steps } = planLeaf({ ...record, name: leaf.name, span, deltas }, null);
  const object = steps[randomInt(Math.max(steps.length, 1))]?.object;
  return anyByte(object ?? manifest.schema);
}

function anyByte({ key, bytes }: { readonly key: string; readonly bytes: number }): Damage {
  return { key, byte: randomInt(bytes) };
}
