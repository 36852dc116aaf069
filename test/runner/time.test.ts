import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { sleep } from "../../runner/src/sleep.ts";
import { parseTime, renderDuration, renderTime } from "../../runner/src/time.ts";

describe("parseTime", () => {
  test.each([
    ["2024-02-29", "2024-02-29T00:00:00.000Z"],
    ["2020-02-29", "2020-02-29T00:00:00.000Z"],
    ["2000-02-29", "2000-02-29T00:00:00.000Z"],
    ["2024-12-31T23:59", "2024-12-31T23:59:00.000Z"],
    ["2024-12-31T23:59:58", "2024-12-31T23:59:58.000Z"],
    ["2024-12-31T23:59:58.7", "2024-12-31T23:59:58.700Z"],
    ["2024-12-31T23:59:58.789Z", "2024-12-31T23:59:58.789Z"],
    ["2024-03-01T00:30+02:00", "2024-02-29T22:30:00.000Z"],
    ["2024-02-29T23:30-05:00", "2024-03-01T04:30:00.000Z"],
  ])("reads %s as %s", (text, expected) => {
    expect(new Date(parseTime(text)).toISOString()).toBe(expected);
  });

  test.each([
    "2024-02-30",
    "2023-02-29",
    "2100-02-29",
    "2024-04-31T00:00Z",
    "2024-13-01",
    "2024-00-10",
    "2024-01-01T25:00",
    "2024-01-01T12:60",
  ])("refuses %s, which is not in the calendar", (text) => {
    expect(() => parseTime(text)).toThrow(`is not a day of the calendar: "${text}"`);
  });

  test.each([
    "",
    "yesterday",
    "1704067200000",
    "2024-1-1",
    "01.02.2024",
    "2024-01-01 12:00",
    "2024-01-01T12",
    "24-01-01",
    "2024-01-01T12:00:00.1234Z",
    "2024-01-01T00:00 UTC",
    "2024-01-01\n",
  ])("refuses %j, which is no ISO time", (text) => {
    expect(() => parseTime(text)).toThrow("must be YYYY-MM-DD or ISO 8601 in UTC");
  });

  test("takes a time without a zone as UTC wherever the machine stands, also in the hour that does not exist there", async () => {
    const module = fileURLToPath(new URL("../../runner/src/time.ts", import.meta.url));
    const texts = ["2024-03-10T02:30", "2024-03-10", "2024-11-03T01:30:00"];
    const code = `import { parseTime } from ${JSON.stringify(module)};
      console.log(JSON.stringify([new Date(2024, 0).getTimezoneOffset(), ...${JSON.stringify(texts)}.map(parseTime)]));`;
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", code], {
      env: { ...process.env, TZ: "America/New_York" },
    });
    expect(JSON.parse(stdout)).toEqual([
      300,
      Date.UTC(2024, 2, 10, 2, 30),
      Date.UTC(2024, 2, 10),
      Date.UTC(2024, 10, 3, 1, 30),
    ]);
  });
});

test("renderTime shows milliseconds only where there are some, and parseTime reads it back", () => {
  expect(renderTime(Date.UTC(2024, 1, 29))).toBe("2024-02-29T00:00:00Z");
  expect(renderTime(1518168494789)).toBe("2018-02-09T09:28:14.789Z");
  for (const ms of [0, Date.UTC(2024, 1, 29), 1518168494789]) expect(parseTime(renderTime(ms))).toBe(ms);
});

test.each([
  [45_400, "45 s"],
  [89_000, "89 s"],
  [90_000, "90 s"],
  [119_000, "119 s"],
  [119_700, "2 min"],
  [120_000, "2 min"],
  [150_000, "2.5 min"],
  [300_000, "5 min"],
  [9.9 * 60_000, "9.9 min"],
  [9.99 * 60_000, "10 min"],
  [90 * 60_000, "1.5 h"],
  [35 * 3_600_000, "35.0 h"],
  [36 * 3_600_000, "1.5 d"],
])("%d ms are %s", (ms, text) => {
  expect(renderDuration(ms)).toBe(text);
});

test("a rendered length is at most 5 % beside the truth", () => {
  const unit = { s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
  for (let ms = 10_000; ms < 10 * unit.d; ms = Math.ceil(ms * 1.003)) {
    const [count = "", name = "s"] = renderDuration(ms).split(" ");
    expect(Math.abs(Number(count) * unit[name as keyof typeof unit] - ms) / ms).toBeLessThanOrEqual(0.0501);
  }
});

test("sleep ends with the signal's own reason, also when it was aborted before", async () => {
  const stop = new AbortController();
  const reason = new Error("stopped by SIGTERM");
  const sleeping = sleep(60_000, stop.signal);
  stop.abort(reason);
  await expect(sleeping).rejects.toBe(reason);
  await expect(sleep(60_000, stop.signal)).rejects.toBe(reason);
});
