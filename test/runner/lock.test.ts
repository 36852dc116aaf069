import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { lockKey } from "../../runner/src/db/lock.ts";

test("the key of a series is fixed for ever: jobs of two releases exclude each other", () => {
  // printf 'r3a:v1:series:BTCUSDT:1m' | sha256sum, the first 16 digits as a signed 64-bit number
  expect(lockKey("series", "BTCUSDT:1m")).toBe("5759681361262560933");
});

test("every key is the first eight bytes of the digest as a signed bigint", () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ unit: "grapheme" }), (scope, key) => {
      const digits = createHash("sha256").update(`r3a:v1:${scope}:${key}`, "utf8").digest("hex").slice(0, 16);
      expect(lockKey(scope, key)).toBe(BigInt.asIntN(64, BigInt(`0x${digits}`)).toString());
    }),
  );
});
