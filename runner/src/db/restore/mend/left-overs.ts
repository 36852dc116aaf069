import { LEAF_SCRATCH_SCHEMA } from "../../../contract/names.ts";
import { releaseLeaf } from "../../leaf/guard.ts";
import { dropScratch } from "../../leaf/scratch.ts";
import { listLeafStates } from "../../leaf/state.ts";
import type { LockSession } from "../../lock.ts";
import type { OwnClient } from "../../session.ts";
import { CRASHED_PAGE } from "./read-damaged.ts";

const LIST_SCRATCHES = `
  select relname as name from pg_class where relkind = 'r' and relnamespace = to_regnamespace('${LEAF_SCRATCH_SCHEMA}')
    and relname <> '${CRASHED_PAGE}' order by 1`;

/**
 * Gives a taken leaf back that was not swapped: one that was sealed before stays guarded and is sealed again by seal, every
 * other one is as if it had never been taken. False where another run took it meanwhile.
 */
export async function giveBack(
  client: OwnClient,
  { name, token, wasSealed }: { readonly name: string; readonly token: string; readonly wasSealed: boolean },
): Promise<boolean> {
  const state = wasSealed ? ("open" as const) : ("none" as const);
  return releaseLeaf(client, { name, token }, { state, note: null, dropGuard: !wasSealed });
}

/**
 * Ends what runs that were killed left: leaves that they had taken, and scratch tables. The caller holds the lock of
 * `restore --damaged`, so nobody restores; a leaf or table that a seal works on is passed over.
 */
export async function endLeftOvers(client: OwnClient, locks: LockSession): Promise<readonly string[]> {
  const ended: string[] = [];
  const states = await listLeafStates(client);
  const scratches = await client.query<{ name: string }>(LIST_SCRATCHES);
  const names = new Set([
    ...[...states.values()].filter(({ state }) => state === "restoring").map(({ leaf }) => leaf),
    ...scratches.map(({ name }) => name),
  ]);
  for (const name of names) {
    if (!(await locks.tryLock("leaf-work", name))) continue;
    try {
      const state = states.get(name);
      if (state?.state === "restoring")
        await giveBack(client, { name, token: state.token, wasSealed: state.sealedAt !== null });
      await dropScratch(client, { name });
      ended.push(name);
    } finally {
      await locks.unlock("leaf-work", name);
    }
  }
  return ended;
}
