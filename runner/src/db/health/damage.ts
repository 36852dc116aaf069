import { type Damage, listDamage } from "../leaf/damage-rows.ts";
import { type Hold, readHold } from "../leaf/hold.ts";
import { type CatalogLeaf, listCatalog } from "../leaf/leaf-catalog.ts";
import type { OwnClient, Reader } from "../session.ts";

/** What is known to be damaged, and what the catalog says of each leaf, in the transaction of the reader. */
export async function readDamage(
  reader: Reader,
): Promise<{ readonly damage: readonly Damage[]; readonly leaves: readonly CatalogLeaf[] }> {
  const client = clientOf(reader);
  return { damage: await listDamage(client), leaves: await listCatalog(client) };
}

/** The kill switch of the recovery, in the transaction of the reader; null: it is off. */
export function readHoldOf(reader: Reader): Promise<Hold | null> {
  return readHold(clientOf(reader));
}

function clientOf(reader: Reader): Pick<OwnClient, "query"> {
  return {
    query: async (text, values = []) =>
      (await reader.query(text, values.length === 0 ? undefined : [...values])).rows,
  };
}
