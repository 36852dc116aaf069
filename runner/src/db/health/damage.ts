import { type Damage, listDamage } from "../leaf/damage-rows.ts";
import { type CatalogLeaf, listCatalog } from "../leaf/leaf-catalog.ts";
import type { OwnClient, Reader } from "../session.ts";

/** What is known to be damaged, and what the catalog says of each leaf, in the transaction of the reader. */
export async function readDamage(
  reader: Reader,
): Promise<{ readonly damage: readonly Damage[]; readonly leaves: readonly CatalogLeaf[] }> {
  const query: OwnClient["query"] = async (text, values = []) =>
    (await reader.query(text, values.length === 0 ? undefined : [...values])).rows;
  return { damage: await listDamage({ query }), leaves: await listCatalog({ query }) };
}
