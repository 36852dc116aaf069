import { TextFault } from "../archive/named-text.ts";
import { ObjectFault } from "../archive/object/fault.ts";
import type { Tier } from "../contract/tiers.ts";
import { messageOf, SettingsFault, TryAgain } from "../errors.ts";
import { type Cure, cureOf, StoreFault } from "../store/fault.ts";
import type { Store } from "../store/store.ts";

/** The tiers of a run. One that fails gets nothing more in this run, and no manifest; the next run takes up what it lacks. */
export type DueTiers = {
  /** Those that did not fail, the nearest first. */
  readonly list: () => readonly Store[];
  /** Why each of the others failed. */
  readonly faults: ReadonlyMap<Tier, string>;
  /** What helps each of these. */
  readonly cures: ReadonlyMap<Tier, Cure>;
  /** Does the work in each tier that did not fail; returns the tiers in which it was done. */
  readonly inEach: (work: (store: Store) => Promise<void>) => Promise<readonly Tier[]>;
};

/** `report` gets the fault of a tier once. A fault of this machine, or the end of the run, is none of a tier: it is thrown. */
export function createDueTiers(
  stores: readonly Store[],
  report: (tier: Tier, fault: string) => void,
): DueTiers {
  const faults = new Map<Tier, string>();
  const cures = new Map<Tier, Cure>();
  const list = () => stores.filter(({ tier }) => !faults.has(tier));
  return {
    list,
    faults,
    cures,
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
          cures.set(store.tier, error instanceof StoreFault ? cureOf(error) : "look");
          report(store.tier, messageOf(error));
        }
      }
      return done;
    },
  };
}

/**
 * Throws where every tier failed: TryAgain if a later try may help one of them, SettingsFault if each needs a setting or a
 * right, and else an error, since what lies in a tier is not what it should be.
 */
export function failWithout({ list, faults, cures }: DueTiers): void {
  if (list().length > 0) return;
  const [sentences, helps] = [[...faults.values()], new Set(cures.values())];
  if (helps.has("later")) throw new TryAgain(`no tier took the backup: ${sentences.join("; ")}`);
  if (!helps.has("look")) throw new SettingsFault(sentences);
  throw new Error(`no tier took the backup: ${sentences.join("; ")}`);
}
