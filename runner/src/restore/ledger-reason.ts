import type { BesideOutcome } from "./beside-run.ts";
import type { Refused } from "./refusal.ts";
import type { LeafResult } from "./whole/load-leaves.ts";

/** The ledger keeps 500 characters; a few names show what the others are like. */
const MOST = 3;

function listFirst(names: readonly string[]): string {
  const more = names.length - MOST;
  return `${names.slice(0, MOST).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** Why the restore of leaves beside the live tables did not end with 0; empty where it did. */
export function reasonOfBeside({ leaves, refused }: BesideOutcome): string {
  if (leaves === null) return withRefusals("no backup can be restored from", refused);
  if (leaves.length === 0) return "no backup has anything of what was asked for";
  const failed = leaves.filter(({ chosen }) => chosen === null).map(({ name }) => name);
  if (failed.length > 0) return withRefusals(`not restored: ${listFirst(failed)}`, refused);
  const differing = leaves.filter(
    ({ compared }) => compared !== null && compared.parts.length + compared.otherCoins.length > 0,
  );
  if (differing.length === 0) return "";
  return `the live rows differ from the restored ones in ${listFirst(differing.map(({ name }) => name))}`;
}

/** The same for the leaves of a whole database. */
export function reasonOfWhole(leaves: readonly LeafResult[], refused: readonly Refused[]): string {
  const failed = leaves.filter(({ outcome }) => outcome === "failed").map(({ name }) => name);
  return failed.length === 0 ? "" : withRefusals(`not restored: ${listFirst(failed)}`, refused);
}

function withRefusals(what: string, refused: readonly Refused[]): string {
  const reasons = new Set(refused.map(({ tier, reason }) => `${tier}: ${reason}`));
  return reasons.size === 0 ? what : `${what} (${listFirst([...reasons])})`;
}
