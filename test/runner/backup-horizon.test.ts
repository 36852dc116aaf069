import { expect, test } from "vitest";
import { horizonOf } from "../../runner/src/backup/horizon.ts";

const earlier = { xmin: 900n, nextXid: 1_000n, systemIdentifier: "7480000000000000001", timeline: 1 };

test.each<[string, bigint | null, object]>([
  ["the same server", 900n, { nextXid: 2_000n }],
  ["the same server, idle", 900n, {}],
  ["another server", null, { systemIdentifier: "7480000000000000002" }],
  ["a promoted standby", null, { timeline: 2 }],
  ["a counter that is behind", null, { nextXid: 999n }],
  ["a distance that could wrap around", null, { nextXid: 1_000_000_901n }],
  ["the greatest distance", 900n, { nextXid: 1_000_000_900n }],
])("%s: rows may have changed from %s on", (_, horizon, now) => {
  expect(horizonOf(earlier, { ...earlier, ...now })).toBe(horizon);
});

test("without an earlier backup nothing is known", () => {
  expect(horizonOf(undefined, earlier)).toBeNull();
});
