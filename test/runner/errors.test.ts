import { expect, test } from "vitest";
import { EXIT } from "../../runner/src/contract/exits.ts";
import {
  exitCodeOf,
  messageOf,
  SettingsFault,
  Stopped,
  TryAgain,
  UsageFault,
} from "../../runner/src/errors.ts";

test.each<[string, unknown, number]>([
  ["wrong settings", new SettingsFault(["DB_URL is not set"]), 78],
  ["wrong arguments", new UsageFault(["--top is wrong"]), 64],
  ["what passes by itself", new TryAgain("banned"), 75],
  ["an own deadline", new Stopped("late", EXIT.deadline), 124],
  ["SIGTERM", new Stopped("stopped", EXIT.terminated), 143],
  ["any other error", new Error("x"), 1],
  [
    "an error with a reason to try again inside, which was not passed on",
    new Error("x", { cause: new TryAgain("y") }),
    1,
  ],
  ["a thrown text", "x", 1],
  ["nothing", undefined, 1],
])("%s ends with its exit code", (_, error, code) => {
  expect(exitCodeOf(error)).toBe(code);
});

test("exit codes are those that the design promises to Kubernetes", () => {
  expect(EXIT).toEqual({
    done: 0,
    failed: 1,
    brake: 3,
    usage: 64,
    tryAgain: 75,
    settings: 78,
    deadline: 124,
    terminated: 143,
  });
});

test("faults stand one a line under their head", () => {
  expect(new SettingsFault(["a is wrong", "b is wrong"]).message).toBe(
    "settings are wrong:\n  - a is wrong\n  - b is wrong",
  );
  expect(new UsageFault(["c is wrong"]).message).toBe("arguments are wrong:\n  - c is wrong");
  expect([new SettingsFault([]).name, new UsageFault([]).name, new TryAgain("").name]).toEqual([
    "SettingsFault",
    "UsageFault",
    "TryAgain",
  ]);
});

test("messageOf adds the message of each cause", () => {
  const deepest = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:5432"), { code: "ECONNREFUSED" });
  const error = new TryAgain("the database cannot be reached", {
    cause: new Error("pool", { cause: deepest }),
  });
  expect(messageOf(error)).toBe("the database cannot be reached: pool: connect ECONNREFUSED 127.0.0.1:5432");
});

test("messageOf repeats no cause, and shows the name of an error without a message", () => {
  expect(messageOf(new Error("store failed: disk full", { cause: new Error("disk full") }))).toBe(
    "store failed: disk full",
  );
  const away = new Error("the exchange cannot be reached", { cause: new Error("getaddrinfo ENOTFOUND") });
  expect(messageOf(new TryAgain(away.message, { cause: away }))).toBe(
    "the exchange cannot be reached: getaddrinfo ENOTFOUND",
  );
  expect(messageOf(new TypeError(""))).toBe("TypeError");
  expect(messageOf(new Error("outer", { cause: "a text" }))).toBe("outer: a text");
  expect(messageOf("a text")).toBe("a text");
  expect(messageOf(undefined)).toBe("undefined");
});

test("messageOf ends at an error that is its own cause", () => {
  const error = new Error("round");
  error.cause = new Error("and round", { cause: error });
  expect(messageOf(error)).toMatch(/^round: and round/);
});
