import { expect, test } from "vitest";
import { exitOf } from "../../runner/src/restore/beside-text.ts";
import { kindOf, type Refused, RestoreRefusal } from "../../runner/src/restore/refusal.ts";
import { StoreFault, type StoreFaultKind } from "../../runner/src/store/fault.ts";

const place = { tier: "cold", address: "s3://bucket", key: "" } as const;
const byStore = (kind: StoreFaultKind): Refused => {
  const error = new StoreFault(kind, "words", place);
  return { tier: "cold", manifest: null, leaf: null, reason: error.message, ...kindOf(error) };
};
const newer: Refused = {
  ...{ tier: "hot", manifest: "m", leaf: null, reason: "version 2" },
  ...kindOf(new RestoreRefusal("version 2", { isNewer: true })),
};

test.each<[number, string, readonly Refused[]]>([
  [75, "no tier answered", [byStore("unreachable"), byStore("clock")]],
  [3, "one of them said no", [byStore("unreachable"), byStore("denied")]],
  [3, "a bucket is not there", [byStore("no-bucket")]],
  [3, "there is no tier with a manifest", []],
  [78, "a later release wrote it", [byStore("unreachable"), newer]],
])("the exit code is %s where %s", (code, _, refused) => {
  expect(exitOf({ leaves: null, refused })).toBe(code);
});
