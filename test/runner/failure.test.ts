import { afterEach, describe, expect, test, vi } from "vitest";
import { failureOfAnswer, isTransient, RETRIES } from "../../runner/src/exchange/failure.ts";

/** The exchange's clock, far from this machine's. */
const NOW = Date.UTC(2024, 1, 29);
const answer = (status: number, body = "", headers: Readonly<Record<string, string>> = {}) =>
  failureOfAnswer(status, new Map(Object.entries(headers)), body, NOW);
const coded = (code: number, msg = "said") => JSON.stringify({ code, msg });

describe("failureOfAnswer", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each([200, 201, 304, 399])("takes status %d for good", (status) => {
    expect(answer(status, coded(-1003))).toBeNull();
  });

  test.each([
    [429, "", "rate-limit"],
    [429, coded(-1003), "rate-limit"],
    [400, coded(-1003), "rate-limit"],
    [418, coded(-1003), "banned"],
    [451, "", "region"],
    [451, coded(0, "Service unavailable from a restricted location"), "region"],
    [403, "<html>Forbidden</html>", "held"],
    [500, "", "unavailable"],
    [502, "<html>", "unavailable"],
    [503, coded(-1008), "unavailable"],
    [400, coded(-1001), "unavailable"],
    [408, coded(-1007), "unavailable"],
    [400, coded(-1121, "Invalid symbol."), "bad-symbol"],
    [400, coded(-1100), "bad-request"],
    [400, "", "bad-request"],
    [404, "<html>", "bad-request"],
  ] as const)("takes status %d with body %j for %s", (status, body, kind) => {
    expect(answer(status, body)).toMatchObject({ kind });
  });

  test("reads Retry-After in seconds, and only where it is a number", () => {
    expect(answer(429, "", { "retry-after": "7" })?.retryAfterMs).toBe(7_000);
    expect(answer(503, "", { "retry-after": "0.5" })?.retryAfterMs).toBe(500);
    expect(answer(429)?.retryAfterMs).toBeNull();
    expect(answer(429, "", { "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT" })?.retryAfterMs).toBeNull();
  });

  test("reads the end of a ban from the body where there is no header, and never before now", () => {
    vi.useFakeTimers({ now: Date.parse("2024-02-29T12:00:00Z") });
    const until = (ms: number) =>
      coded(-1003, `Way too much request weight used; IP banned until ${NOW + ms}.`);
    expect(answer(418, until(90_000))?.retryAfterMs).toBe(90_000);
    expect(answer(418, until(-90_000))?.retryAfterMs).toBe(0);
    expect(answer(418, until(90_000), { "retry-after": "3" })?.retryAfterMs).toBe(3_000);
    expect(answer(418, "banned")?.retryAfterMs).toBeNull();
  });

  test("shows status, code and a cut body on one line", () => {
    expect(answer(400, '{"code":-1121,"msg":"Invalid\n symbol."}')?.message).toBe(
      'the exchange does not know the symbol: HTTP 400 (code -1121): {"code":-1121,"msg":"Invalid symbol."}',
    );
    expect(answer(500, "x".repeat(5_000))?.message.length).toBeLessThan(250);
  });
});

test("retries are 3 for time-outs, 2 for 429, and none for what concerns the whole address or stays bad", () => {
  expect(RETRIES).toMatchObject({ timeout: 3, "rate-limit": 2 });
  for (const kind of ["banned", "held", "region", "bad-symbol", "bad-request"] as const)
    expect(RETRIES[kind]).toBe(0);
});

test("time-outs, 429 and 5xx pass by themselves; a garbage answer is a failure of ours", () => {
  expect(
    Object.keys(RETRIES)
      .filter((kind) => isTransient(kind as keyof typeof RETRIES))
      .toSorted(),
  ).toEqual(["rate-limit", "timeout", "unavailable"]);
});
