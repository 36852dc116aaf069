import { randomUUID } from "node:crypto";
import type { Tier } from "../contract/tiers.ts";
import { type Status, worstStatus } from "../status.ts";
import type { TierAddress } from "../store/address.ts";
import { StoreFault } from "../store/fault.ts";
import type { Store } from "../store/store.ts";
import { HOUR_MS } from "../time.ts";
import { type CheckedStep, judgeClock, kindOf, lookAtPlace, stepBy, tryDelete } from "./check-steps.ts";

/** A tier to check: its store, and where the settings say that it is. */
export type TierToCheck = { readonly store: Store; readonly address: TierAddress };

export type CheckedTier = {
  readonly tier: Tier;
  readonly address: string;
  readonly status: Status;
  readonly steps: readonly CheckedStep[];
};

/** Beside objects/, leaves/ and manifests/: no restore and no list of backups looks here. */
const PROBES = "probes/";
const PROBE = /^probes\/(\d{13})-[0-9a-f-]{36}\.txt$/;
/** No check runs for so long: the check that left an older probe was killed. */
const LEFTOVER_MS = HOUR_MS;

/**
 * Tries each tier with the credentials of whoever writes backups: a small object is written, read back and compared, then
 * written again and deleted, both of which the tier should refuse. Nothing stays in a tier that allows the delete.
 */
export async function checkTiers(
  tiers: readonly TierToCheck[],
  signal: AbortSignal,
): Promise<readonly CheckedTier[]> {
  const checked: CheckedTier[] = [];
  for (const { store, address } of tiers) {
    const steps = await checkTier(store, address, signal);
    const status = worstStatus(steps.map((step) => step.status));
    checked.push({ tier: store.tier, address: store.address, status, steps });
  }
  return checked;
}

async function checkTier(
  store: Store,
  address: TierAddress,
  signal: AbortSignal,
): Promise<readonly CheckedStep[]> {
  const key = `${PROBES}${Date.now()}-${randomUUID()}.txt`;
  const text = `backup check ${randomUUID()}\n`;
  const leftovers: string[] = [];
  const fault = (words: string) =>
    new StoreFault("broken", words, { tier: store.tier, address: store.address, key });
  const steps: CheckedStep[] = [];
  /** One that fails ends the check of this tier: what comes after it would say the same. */
  const needed: readonly (readonly [CheckedStep["name"], () => Promise<string>])[] = [
    [
      "list",
      async () => {
        for await (const found of store.list(PROBES, signal))
          if (isLeftover(found.key)) leftovers.push(found.key);
        return "what lies there can be listed";
      },
    ],
    [
      "write",
      async () => {
        await store.putText(key, text, signal);
        return address.kind === "folder" ? "an object was written and synced" : "an object was written";
      },
    ],
    [
      "read",
      async () => {
        if ((await store.getText(key, signal)) === text) return "what was written came back the same";
        throw fault("another text came back than was written: look at the store");
      },
    ],
  ];
  for (const [name, work] of needed) {
    const step = await stepBy(name, work);
    steps.push(step);
    if (step.status === "fail") return [...steps, ...judgeClock(store.clockAheadMs())];
  }
  const overwrite = await stepBy("overwrite", async () => {
    const kind = await kindOf(store.putText(key, "backup check, written again\n", signal));
    // a store that locks its objects (versitygw) says that this is denied before it looks at the condition
    const isRefused = kind === "exists" || kind === "denied";
    if (isRefused && (await store.getText(key, signal)) === text)
      return "a second write of the same object is refused";
    throw fault(
      `an object that is there can be written again (${kind ?? "not refused"}), so another writer may replace what a backup needs: use a store that keeps If-None-Match: *`,
    );
  });
  const place =
    address.kind === "folder" ? await lookAtPlace(store, { path: address.path, key }, signal) : [];
  const last = await tryDelete(store, { place: address.kind, key, leftovers }, signal);
  return [...steps, overwrite, ...place, last, ...judgeClock(store.clockAheadMs())];
}

function isLeftover(key: string): boolean {
  const [, at] = PROBE.exec(key) ?? [];
  return at !== undefined && Number(at) < Date.now() - LEFTOVER_MS;
}
