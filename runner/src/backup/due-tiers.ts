import { TextFault } from "../archive/named-text.ts";
import { ObjectFault } from "../archive/object/fault.ts";
import type { Tier } from "../contract/tiers.ts";
import { messageOf } from "../errors.ts";
import { StoreFault } from "../store/fault.ts";
import type { Store } from "../store/store.ts";

/** The tiers of a run. One that fails gets nothing more in this run, and no manifest; the next run takes up what it lacks. */
export type DueTiers = {
  /** Those that did not fail, the nearest first. */
  readonly list: () => readonly Store[];
  /** Why each of the others failed. */
  readonly faults: ReadonlyMap<Tier, string>;
  /** Does the work in each tier that did not fail; returns the tiers in which it was done. */
  readonly inEach: (work: (store: Store) => Promise<void>) => Promise<readonly Tier[]>;
};

/** `report` gets the fault of a tier once. A fault of this machine, or the end of the run, is none of a tier: it is thrown. */
export function createDueTiers(
  stores: readonly Store[],
  report: (tier: Tier, fault: string) => void,
): DueTiers {
  const faults = new Map<Tier, string>();
  const list = () => stores.filter(({ tier }) => !faults.has(tier));
  return {
    list,
    faults,
    async inEach(work) {
      const done: Tier[] = [];
      for (const store of list()) {
        try {
          await work(store);
          done.push(store.tier);
        } catch (error) {
          const isOfTier = [StoreFault, ObjectFault, TextFault].some((fault) => error instanceof fault);
          if (!isOfTier) throw error;
          faults.set(store.tier, messageOf(error));
          report(store.tier, messageOf(error));
        }
      }
      return done;
    },
  };
}
