import { expect, test } from "vitest";
import { commandOf } from "../../dev/local/command-of.ts";

test.each([
  ["sync 1m", "sync", "sync"],
  ["sync --help", null, null],
  ["nosuch", null, null],
  ["janitor", null, null],
  ["backup", "backup", "backup"],
  ["backup check", null, null],
  ["backups --json", null, "backups"],
  ["restore --to-schema x", "restore", "restore"],
  ["restore --all --to URL", null, null],
])("%s asks without a local database for %s, and with one for %s", (words, without, beside) => {
  expect(commandOf(words.split(" "), () => false)).toBe(without);
  expect(commandOf(words.split(" "), () => true)).toBe(beside);
});
