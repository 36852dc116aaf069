import { describe, expect, test } from "vitest";
import { matches, parseSelector } from "../../runner/src/selector.ts";

const GOOD: readonly (readonly [string, readonly unknown[]])[] = [
  ["app=postgres", [{ key: "app", operator: "In", values: ["postgres"] }]],
  ["app==postgres", [{ key: "app", operator: "In", values: ["postgres"] }]],
  ["app != postgres", [{ key: "app", operator: "NotIn", values: ["postgres"] }]],
  ["app=", [{ key: "app", operator: "In", values: [""] }]],
  [
    "app.kubernetes.io/name in (postgres, redis)",
    [{ key: "app.kubernetes.io/name", operator: "In", values: ["postgres", "redis"] }],
  ],
  ["tier notin (a)", [{ key: "tier", operator: "NotIn", values: ["a"] }]],
  ["tier in (a,)", [{ key: "tier", operator: "In", values: ["a", ""] }]],
  ["in in (in)", [{ key: "in", operator: "In", values: ["in"] }]],
  ["app", [{ key: "app", operator: "Exists" }]],
  ["!app", [{ key: "app", operator: "DoesNotExist" }]],
  ["generation > 3", [{ key: "generation", operator: "Gt", value: 3 }]],
  ["generation<3", [{ key: "generation", operator: "Lt", value: 3 }]],
  [
    " a=b , !c,d in(e) ",
    [
      { key: "a", operator: "In", values: ["b"] },
      { key: "c", operator: "DoesNotExist" },
      { key: "d", operator: "In", values: ["e"] },
    ],
  ],
];

const BAD = [
  "",
  "  ",
  ",",
  "a,",
  ",a",
  "a,,b",
  "=b",
  "!",
  "!!a",
  "!a=b",
  "a b",
  "a=b c",
  "a=b=c",
  "a=(b)",
  "a in b",
  "a in ()",
  "a in (b",
  "a in (b c)",
  "a in (b))",
  "a in",
  "a notin",
  "a > b",
  "a >",
  "a=b!",
  "-a=b",
  "a=-b",
  "a=b-",
  "a=b/c",
  "A.b/c/d=e",
  "UPPER.prefix/a=b",
  "/a=b",
  "a/=b",
  "app*",
  `${"k".repeat(64)}=a`,
  `a=${"v".repeat(64)}`,
];

describe("a label selector", () => {
  test.each(GOOD)("%s is understood", (text, requirements) => {
    expect(parseSelector(text)).toEqual({ requirements });
  });

  test.each(BAD)("%j is refused", (text) => {
    const parsed = parseSelector(text);
    expect(parsed).toEqual({ fault: expect.stringMatching(/\S/) });
  });

  test("keys and values may have their full length", () => {
    const text = `${"p".repeat(63)}.io/${"k".repeat(63)}=${"v".repeat(63)}`;
    expect(parseSelector(text)).toHaveProperty("requirements");
  });
});

const LABELS = { app: "postgres", tier: "", generation: "7", odd: "seven" };
const ANSWERS: readonly (readonly [string, boolean])[] = [
  ["app=postgres", true],
  ["app=redis", false],
  ["app in (redis, postgres)", true],
  ["app notin (redis)", true],
  ["app notin (postgres)", false],
  ["app!=redis", true],
  ["missing!=redis", true],
  ["missing notin (a)", true],
  ["missing in (a)", false],
  ["missing=", false],
  ["tier=", true],
  ["tier", true],
  ["!tier", false],
  ["!missing", true],
  ["generation > 6", true],
  ["generation > 7", false],
  ["generation < 8", true],
  ["odd > 1", false],
  ["missing < 8", false],
  ["app=postgres,!missing", true],
  ["app=postgres,missing", false],
  ["toString", false],
];

test.each(ANSWERS)("%s of the labels of a pod is %s", (text, answer) => {
  const parsed = parseSelector(text);
  expect("fault" in parsed ? parsed : matches(parsed.requirements, LABELS)).toBe(answer);
});
