import { expect, test } from "vitest";
import { isFailure, type Status, worstStatus } from "../../runner/src/status.ts";

const ALL: readonly Status[] = ["pass", "skip", "warn", "error", "fail"];

test("the whole is as bad as its worst part, and nothing measured is an error", () => {
  expect(ALL.map((_, index) => worstStatus(ALL.slice(0, index + 1)))).toEqual([
    ...["pass", "pass", "warn", "error", "fail"],
  ]);
  expect(worstStatus([])).toBe("error");
});

test("what could not be measured is a failure too", () => {
  expect(ALL.filter(isFailure)).toEqual(["error", "fail"]);
});
