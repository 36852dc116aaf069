import { describe, expect, test } from "vitest";
import { judgeClock, stepBy, stepOf } from "../../runner/src/backup/check-steps.ts";
import { exitOf } from "../../runner/src/backup/check-text.ts";
import { StoreFault, type StoreFaultKind } from "../../runner/src/store/fault.ts";

const place = { tier: "cold", address: "s3://bucket", key: "" } as const;
const failed = (kind: StoreFaultKind) =>
  stepBy("write", () => Promise.reject(new StoreFault(kind, "words", place)));
const tierOf = (steps: Parameters<typeof exitOf>[0][number]["steps"]) => ({
  ...({ tier: "cold", address: "s3://bucket", status: "fail", steps } as const),
});

describe("the exit code of backup check says what helps", () => {
  test.each<[number, readonly StoreFaultKind[]]>([
    [0, []],
    [75, ["unreachable"]],
    [75, ["full", "clock"]],
    [78, ["denied"]],
    [78, ["unreachable", "no-bucket"]],
    [1, ["broken", "denied"]],
  ])("%s after %j", async (code, kinds) => {
    const tiers = await Promise.all(kinds.map(async (kind) => tierOf([await failed(kind)])));
    expect(exitOf([tierOf([stepOf("delete", "warn", "may delete")]), ...tiers])).toBe(code);
  });

  test("a fault of this program is none of the tier", async () => {
    await expect(stepBy("write", () => Promise.reject(new TypeError("a mistake")))).rejects.toThrow(
      "a mistake",
    );
  });
});

test.each([
  [null, []],
  [900, ["pass"]],
  [-59_000, ["pass"]],
  [-61_000, ["warn"]],
  [301_000, ["fail"]],
])("a clock that is %s ms ahead", (ahead, statuses) => {
  expect(judgeClock(ahead).map(({ status }) => status)).toEqual(statuses);
});

test("a clock that is wrong is named with its direction", () => {
  expect(judgeClock(-120_000)[0]?.output).toContain("this machine's clock is 2 min behind the store's");
  expect(judgeClock(120_000)[0]?.output).toContain("2 min ahead of the store's");
});
