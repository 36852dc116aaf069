import { expect, test } from "vitest";
import { LOG_LEVELS } from "../../runner/src/contract/environment.ts";
import { DAY } from "../support/candle/series.ts";
import { faultsOf } from "../support/settings-faults.ts";

test("a start in the future is refused, with a day of grace for a wrong clock", () => {
  const dayFrom = (days: number) => new Date(Date.now() + days * DAY).toISOString();
  expect(faultsOf({ FALLBACK_START: dayFrom(2) }, ["fallbackStart"])).toEqual([
    expect.stringMatching(/^FALLBACK_START lies in the future/),
  ]);
  expect(faultsOf({ FALLBACK_START: dayFrom(0.9) }, ["fallbackStart"])).toEqual([]);
});

test("a level of the log that there is not is refused with the levels that there are", () => {
  expect(faultsOf({ LOG_LEVEL: "loud" }, ["logLevel"])).toEqual([
    'LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent, not "loud"',
  ]);
  for (const level of LOG_LEVELS) expect(faultsOf({ LOG_LEVEL: level }, ["logLevel"])).toEqual([]);
});
