import { leafOfName } from "../archive/leaf-record.ts";
import {
  listStoredParts,
  type OpenSuspect,
  type StoredBackup,
  type StoredPart,
} from "../db/backup/ledger.ts";
import type { Snapshot } from "../db/backup/snapshot.ts";
import { horizonOf } from "./horizon.ts";
import type { LeafQuestion } from "./look-part.ts";

/** `look`: the backup that last looked at the leaf. `isLost`: whether no tier of the run has the object. */
export type LeafAsked = {
  readonly name: string;
  readonly open: readonly OpenSuspect[];
  readonly look: StoredBackup | undefined;
  readonly isLost: (key: string) => boolean;
};

/** The parts of a leaf as the ledger has them, and what of it a look must know; how the parts are judged is the caller's. */
export async function askLeaf(
  { client, facts }: Pick<Snapshot, "client" | "facts">,
  { name, open, look, isLost }: LeafAsked,
): Promise<{
  readonly parts: readonly StoredPart[];
  readonly question: Pick<LeafQuestion, "leaf" | "believed" | "open" | "horizon" | "serverVersion">;
}> {
  const leaf = leafOfName(name);
  const parts = await listStoredParts(client, leaf);
  // a part whose base is lost needs a new one
  const believed = parts.map((part) =>
    part.base !== null && isLost(part.base.key) ? { ...part, base: null } : part,
  );
  const { serverVersion } = facts;
  return { parts, question: { leaf, believed, open, horizon: horizonOf(look, facts), serverVersion } };
}
