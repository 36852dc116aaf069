import { type ActiveFault, type FaultRule, parseFaultRule } from "./faults.ts";
import { type Check, FormError, isForm, isListOf, isNumberIn, isRecord, isWhole } from "./form.ts";
import { createRandom } from "./noise.ts";

/** What can be changed at run time. A key that is given replaces the old value; `faults` replaces all rules. */
export type SettingsChange = {
  readonly latencyMs?: number;
  readonly clock?: { readonly offsetMs: number } | { readonly fixedMs: number };
  /** Weight a minute; null, "none" or Infinity switches the limit off. */
  readonly weightLimit?: number | null | "none";
  /** So many 429 answers are given within a minute before the address is banned. */
  readonly banAfter429?: number;
  readonly banMs?: number;
  /** Seed of the faults' probabilities; setting it starts the sequence again. */
  readonly seed?: number;
  readonly faults?: readonly FaultRule[];
};

const isClock: Check = (value) =>
  isRecord(value) && Object.keys(value).length === 1
    ? isForm({ offsetMs: isNumberIn(-1e14, 1e14), fixedMs: isNumberIn(0, 1e14) })(value)
    : "must have offsetMs or fixedMs";

const isChange = isForm({
  latencyMs: isNumberIn(0),
  clock: isClock,
  weightLimit: (value) => (value === null || value === "none" ? null : isNumberIn(0)(value)),
  banAfter429: isNumberIn(0),
  banMs: isNumberIn(0),
  seed: isWhole,
  // The rules themselves are checked one by one.
  faults: isListOf(() => null),
});

export type Settings = {
  readonly latencyMs: number;
  readonly clock: { readonly offsetMs: number } | { readonly fixedMs: number };
  readonly weightLimit: number;
  readonly banAfter429: number;
  readonly banMs: number;
  readonly seed: number;
};

export type SettingsStore = {
  readonly current: () => Settings;
  readonly change: (change: SettingsChange) => void;
  readonly faults: () => readonly ActiveFault[];
  readonly addFault: (rule: FaultRule) => void;
  readonly clearFaults: () => void;
  readonly random: () => number;
  /** The exchange's clock, ms. */
  readonly now: () => number;
};

function activate(rule: FaultRule): ActiveFault {
  return { rule, left: rule.times ?? null };
}

/** Holds what can be changed at run time; throws a FormError on a change that is not valid. */
export function createSettingsStore(initial: SettingsChange): SettingsStore {
  let settings: Settings = {
    latencyMs: 0,
    clock: { offsetMs: 0 },
    weightLimit: 6000,
    banAfter429: 10,
    banMs: 120_000,
    seed: 1,
  };
  let active: ActiveFault[] = [];
  let random = createRandom(settings.seed);

  function change(wanted: SettingsChange): void {
    const issue = isChange(wanted);
    if (issue !== null) throw new FormError([issue]);
    const { faults, weightLimit, ...rest } = wanted;
    const rules = faults?.map(parseFaultRule);
    const given = Object.entries(rest).filter(([, value]) => value !== undefined);
    settings = { ...settings, ...Object.fromEntries(given) };
    if (weightLimit !== undefined)
      settings = { ...settings, weightLimit: typeof weightLimit === "number" ? weightLimit : Infinity };
    if (rest.seed !== undefined) random = createRandom(rest.seed);
    if (rules) active = rules.map(activate);
  }

  change(initial);
  return {
    current: () => settings,
    change,
    faults: () => active,
    addFault: (rule) => {
      active = [...active, activate(parseFaultRule(rule))];
    },
    clearFaults: () => {
      active = [];
    },
    random: () => random(),
    now: () => {
      const { clock } = settings;
      return "fixedMs" in clock ? clock.fixedMs : Date.now() + clock.offsetMs;
    },
  };
}
