import { expect, test } from "vitest";
import { renderResult, renderSkipped, roundEstimate, streamResult } from "../../runner/src/result.ts";

/** A stream, and what it printed so far. */
function openStream() {
  const printed: string[] = [];
  const context = { print: (text: string) => printed.push(text), printed: async () => {} };
  return { stream: streamResult(context, "gaps", "gaps"), printed };
}

test("a result is one object in one line, with its version and its command first", () => {
  expect(renderResult("maint", { backlog: 2, refused: ["a\nb"] })).toBe(
    '{"version":1,"command":"maint","backlog":2,"refused":["a\\nb"]}\n',
  );
  expect(renderSkipped("maint", "no time")).toBe('{"version":1,"command":"maint","skipped":"no time"}\n');
});

test("a whole number that JSON's readers cannot hold is a text", () => {
  const numbers = { last: 2 ** 53 - 1, first: 2 ** 53, id: 12345678901234567890n, share: 0.5 };
  expect(renderResult("maint", numbers)).toContain(
    '"last":9007199254740991,"first":"9007199254740992","id":"12345678901234567890","share":0.5',
  );
});

test("an estimate has four digits", () => {
  expect([0.0004166666666666667, 2.5, 124.648, 12_345.6].map(roundEstimate)).toEqual([
    0.0004167, 2.5, 124.6, 12_350,
  ]);
});

test.each([
  ["no items", [], {}, '{"version":1,"command":"gaps","gaps":[]}\n'],
  ["no items and more fields", [], { listed: 0 }, '{"version":1,"command":"gaps","gaps":[],"listed":0}\n'],
  [
    "empty parts between others",
    [[], [{ a: 1 }, { a: 2 }], [], [{ a: 3 }]],
    { listed: 3 },
    '{"version":1,"command":"gaps","gaps":[\n{"a":1},\n{"a":2},\n{"a":3}\n],"listed":3}\n',
  ],
])("a stream of %s is one object, with a line for each item", async (_name, parts, rest, expected) => {
  const { stream, printed } = openStream();
  for (const part of parts) await stream.add(part);
  stream.end(rest);
  expect(printed.join("")).toBe(expected);
});

test("a stream prints nothing before its first items, so a command that fails before prints nothing", async () => {
  const { stream, printed } = openStream();
  await stream.add([]);
  expect(printed).toEqual([]);
  await stream.add([{ a: 1 }]);
  expect(printed.join("")).toBe('{"version":1,"command":"gaps","gaps":[\n{"a":1}');
});
