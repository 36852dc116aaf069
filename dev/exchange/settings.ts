import { z } from "zod";
import { type ActiveFault, type FaultRule, faultRule } from "./faults.ts";
import { createRandom } from "./noise.ts";

/** What can be changed at run time. A key that is given replaces the old value; `faults` replaces all rules. */
const settingsChange = z.strictObject({
  latencyMs: z.number().min(0).optional(),
  clock: z
    .union([
      z.strictObject({ offsetMs: z.number().min(-1e14).max(1e14) }),
      z.strictObject({ fixedMs: z.number().min(0).max(1e14) }),
    ])
    .optional(),
  /** Weight a minute; null and "none" switch the limit off. */
  weightLimit: z.union([z.number().min(0), z.null(), z.literal("none")]).optional(),
  /** So many 429 answers are given within a minute before the address is banned. */
  banAfter429: z.number().min(0).optional(),
  banMs: z.number().min(0).optional(),
  /** Seed of the faults' probabilities; setting it starts the sequence again. */
  seed: z.int().optional(),
  faults: z.array(faultRule).readonly().optional(),
});

export type SettingsChange = Readonly<z.infer<typeof settingsChange>>;

export type Settings = {
  readonly latencyMs: number;
  readonly clock: { readonly offsetMs: number } | { readonly fixedMs: number };
  /** Weight a minute; Infinity switches the limit off. */
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

/** Holds what can be changed at run time; throws a ZodError, with all its faults, on a change that is not valid. */
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
    const { faults, weightLimit, ...rest } = settingsChange.parse(wanted);
    const given = Object.entries(rest).filter(([, value]) => value !== undefined);
    settings = { ...settings, ...Object.fromEntries(given) };
    if (weightLimit !== undefined)
      settings = { ...settings, weightLimit: typeof weightLimit === "number" ? weightLimit : Infinity };
    if (rest.seed !== undefined) random = createRandom(rest.seed);
    if (faults) active = faults.map(activate);
  }

  change(initial);
  return {
    current: () => settings,
    change,
    faults: () => active,
    addFault: (rule) => {
      active = [...active, activate(faultRule.parse(rule))];
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
