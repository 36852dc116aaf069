import { type Answer, bannedAnswer, tooManyAnswer } from "./answer.ts";
import { minuteWidth } from "./interval.ts";
import type { Settings } from "./settings.ts";

export type WeightLedger = {
  /** Charges a request; gives the refusal if the address is banned or over the limit. */
  readonly charge: (weight: number, now: number, limits: Settings) => Answer | null;
  /** The refusal while the address is banned. */
  readonly checkBan: (now: number) => Answer | null;
  readonly ban: (until: number) => void;
  readonly used: (now: number) => number;
  readonly bannedUntil: () => number | null;
  /** Forgets the ban and the weight of this minute. */
  readonly reset: () => void;
};

/** Counts weight in fixed calendar minutes of the exchange's clock, for one address. */
export function createWeightLedger(): WeightLedger {
  let minute = -1;
  let used = 0;
  let refused = 0;
  let bannedUntil: number | null = null;

  function turn(now: number): void {
    const current = Math.floor(now / minuteWidth);
    if (current === minute) return;
    minute = current;
    used = 0;
    refused = 0;
  }

  function checkBan(now: number): Answer | null {
    if (bannedUntil === null) return null;
    if (now < bannedUntil) return bannedAnswer(bannedUntil, now);
    bannedUntil = null;
    return null;
  }

  return {
    charge: (weight, now, { weightLimit, banAfter429, banMs }) => {
      const banned = checkBan(now);
      if (banned) return banned;
      turn(now);
      used += weight;
      if (used <= weightLimit) return null;
      refused++;
      if (refused <= banAfter429) return tooManyAnswer(weightLimit, (minute + 1) * minuteWidth, now);
      bannedUntil = now + banMs;
      return bannedAnswer(bannedUntil, now);
    },
    checkBan,
    ban: (until) => {
      bannedUntil = until;
    },
    used: (now) => {
      turn(now);
      return used;
    },
    bannedUntil: () => bannedUntil,
    reset: () => {
      minute = -1;
      bannedUntil = null;
    },
  };
}
