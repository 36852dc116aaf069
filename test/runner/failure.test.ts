import { describe, expect, test } from "vitest";
import {
  ExchangeFailure,
  failureOfAnswer,
  failureOfConnection,
  isExchangeAway,
  RETRIES,
} from "../../runner/src/exchange/failure.ts";

/** The exchange's clock, far from this machine's. */
const NOW = Date.UTC(2024, 1, 29);
const answer = (status: number, body = "", headers: Readonly<Record<string, string>> = {}) =>
  failureOfAnswer({ status, headers: new Map(Object.entries(headers)), body }, NOW);
const coded = (code: number, msg = "said") => JSON.stringify({ code, msg });

describe("failureOfAnswer", () => {
  test("finds no failure in status 200 alone", () => {
    expect(answer(200, coded(-1003))).toBeNull();
  });

  test.each([
    [429, "", "rate-limit"],
    [429, coded(-1003), "rate-limit"],
    [400, coded(-1003), "rate-limit"],
    [418, coded(-1003), "banned"],
    [451, "", "region"],
    [451, coded(0, "Service unavailable from a restricted location"), "region"],
    [403, "<html>Forbidden</html>", "held"],
    [408, "", "timeout"],
    [408, coded(-1007), "timeout"],
    [425, "", "unavailable"],
    [500, "", "unavailable"],
    [502, "<html>", "unavailable"],
    [503, coded(-1008), "unavailable"],
    [599, "", "unavailable"],
    [400, coded(-1001), "unavailable"],
    [400, coded(-1121, "Invalid symbol."), "bad-symbol"],
    [400, '{"msg":"Invalid symbol.","code":-1121}', "bad-symbol"],
    [400, '\ufeff{"data":{"code":-1003},"code":-1121}', "bad-symbol"],
    [400, '{"msg":"\\"code\\":-1003","code":"-1121"}', "bad-symbol"],
    [400, '{"code":-1121,"msg":"cut in the', "bad-symbol"],
    [400, '{"data":{"code":-1121}}', "bad-request"],
    [400, '{"code":-1121.5}', "bad-request"],
    [400, '{"code":null}', "bad-request"],
    [400, "null", "bad-request"],
    [400, '[{"code":-1121}]', "bad-request"],
    [400, coded(-1100), "bad-request"],
    [400, "", "bad-request"],
    [401, "", "bad-request"],
    [404, "<html>", "bad-request"],
    [407, "", "bad-request"],
    [414, "", "bad-request"],
    [301, "", "bad-request"],
    [302, coded(-1003), "bad-request"],
    [304, "", "bad-request"],
    [0, "", "garbage"],
    [101, "", "garbage"],
    [201, "[]", "garbage"],
    [204, "", "garbage"],
    [206, "[]", "garbage"],
    [226, "[]", "garbage"],
    [600, "", "garbage"],
    [999, "", "garbage"],
  ] as const)("says that status %d with body %j means %s", (status, body, kind) => {
    expect(answer(status, body)).toMatchObject({ kind });
  });

  test.each([
    ["https://elsewhere.example:8443/api?key=SECRET", "https://elsewhere.example:8443,"],
    ["https://user:SECRET@elsewhere.example/", "https://elsewhere.example,"],
    ["/maintenance?SECRET", "another path of its own,"],
    ["javascript:SECRET", "javascript://,"],
    ["", "another path of its own,"],
  ])("names the host of a redirect to %s and nothing else of it", (location, said) => {
    const { message } = answer(307, "", { location }) ?? { message: "" };
    expect(message).toContain(`redirects to ${said}`);
    expect(message).not.toContain("SECRET");
  });

  test("shows status, code and a cut body on one line", () => {
    expect(answer(400, '{"code":-1121,"msg":"Invalid\n symbol."}')?.message).toBe(
      'the exchange does not know the symbol: HTTP 400 (code -1121): {"code":-1121,"msg":"Invalid symbol."}',
    );
    expect(answer(500, "x".repeat(5_000))?.message.length).toBeLessThan(250);
    // a table of PostgreSQL takes neither a NUL nor half a pair
    expect(answer(500, "a\0\u001b[31m\ud83d\u202e")?.message).toContain(
      "HTTP 500: a\ufffd\ufffd[31m\ufffd\ufffd",
    );
  });
});

describe("failureOfConnection", () => {
  const broken = (code: string, message = "said") => Object.assign(new Error(message), { code });

  test.each([
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "SELF_SIGNED_CERT_IN_CHAIN",
    "CERT_HAS_EXPIRED",
    "CERT_NOT_YET_VALID",
    "CERT_REVOKED",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "ERR_SSL_WRONG_VERSION_NUMBER",
    "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
    "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
    "EPROTO",
  ])("says that %s is a fault of the certificate, with host and reason", (code) => {
    const failure = failureOfConnection(broken(code), "api.example");
    expect(failure.kind).toBe("certificate");
    expect(failure.message).toMatch(new RegExp(`to api\\.example: said \\(${code}\\)`));
  });

  test.each([
    "ECONNREFUSED",
    "ECONNRESET",
    "ENOTFOUND",
    "ETIMEDOUT",
    "ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC",
    "",
  ])("says that %s means an exchange that is away", (code) => {
    expect(failureOfConnection(broken(code), "api.example").kind).toBe("unavailable");
  });

  test("says that an answer that is not HTTP is garbage", () => {
    expect(failureOfConnection(broken("HPE_HEADER_OVERFLOW"), "api.example").kind).toBe("garbage");
  });
});

test("retries are 3 for time-outs, 2 for 429, and none for what concerns the whole address or stays bad", () => {
  expect(RETRIES).toMatchObject({ timeout: 3, "rate-limit": 2 });
  for (const kind of ["banned", "held", "region", "certificate", "bad-symbol", "bad-request"] as const)
    expect(RETRIES[kind]).toBe(0);
});

test("the exchange is away after time-outs, 429 and 5xx, and not after a garbage answer", () => {
  const kinds = Object.keys(RETRIES) as (keyof typeof RETRIES)[];
  expect(kinds.filter((kind) => isExchangeAway(new ExchangeFailure(kind, "")))).toEqual([
    "timeout",
    "rate-limit",
    "unavailable",
  ]);
  expect(isExchangeAway(new Error("timeout"))).toBe(false);
});
