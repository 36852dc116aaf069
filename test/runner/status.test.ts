import { expect, test } from "vitest";
import { isFailure, type Status, worstStatus } from "../../runner/src/status.ts";

const ALL: readonly Status[] = ["pass", "skip", "warn", "error", "fail"];

test("the status of a report is its worst status, and an error where nothing was measured", () => {
  expect(ALL.map((_, index) => worstStatus(ALL.slice(0, index + 1)))).toEqual([
    ...["pass", "pass", "warn", "error", "fail"],
  ]);
  expect(worstStatus([])).toBe("error");
});

test("a status of error is a failure too", () => {
  expect(ALL.filter(isFailure)).toEqual(["error", "fail"]);
});
