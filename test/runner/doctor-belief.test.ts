import { expect, test } from "vitest";
import type { Finding } from "../../runner/src/doctor/check.ts";
import { judgeBudgets } from "../../runner/src/doctor/exchange.ts";
import { judgeProxy } from "../../runner/src/doctor/settings.ts";
import { listProxyVariables } from "../../runner/src/exchange/proxy.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../runner/src/time.ts";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const budget = {
  egress_key: "default",
  used: 4,
  minute_ahead_ms: 0,
  hold_ms: 0,
  firewall_ms: 0,
  banned_ms: 0,
};

test.each([
  ["minute_ahead_ms", 2 * MINUTE_MS, "pass", /^minute of default lies 2 min ahead/],
  ["hold_ms", HOUR_MS, "warn", /^hold_until of default lies 60 min ahead, and 60 min is the most/],
  ["firewall_ms", HOUR_MS, "fail", /^firewall_until of default lies/],
  ["banned_ms", 3 * DAY_MS, "fail", /^banned_until of default lies 3.0 d ahead/],
] as const)(
  "a budget whose %s is beyond %d ms is impossible, and the words to lift it are told",
  (column, most, below, output) => {
    expect(judgeBudgets([{ ...budget, [column]: most }], NOW).status).toBe(below);
    const beyond = judgeBudgets([{ ...budget, [column]: most + 1 }], NOW);
    expect(beyond).toMatchObject({ status: "fail", output: expect.stringMatching(output) });
    expect(beyond.remedy).toMatch(/update r3a\.api_budget set .*banned_until = '-infinity'/);
  },
);

test("variables that ask for a proxy are named in any case, without their values", () => {
  const env = {
    HTTPS_PROXY: "http://user:SECRET@proxy:3128",
    http_proxy: "http://proxy",
    All_Proxy: "socks5://proxy",
    NODE_USE_ENV_PROXY: "1",
    NO_PROXY: "localhost",
    HTTP_PROXY: "",
    R3A_HTTP_PROXY: "x",
  };
  const names = listProxyVariables(env);
  expect(names).toEqual(["All_Proxy", "HTTPS_PROXY", "NODE_USE_ENV_PROXY", "http_proxy"]);
  const told = judgeProxy(names);
  expect(told.status).toBe("warn");
  expect(told.output).toMatch(
    /^All_Proxy, HTTPS_PROXY.* are set, and requests to the exchange use no proxy$/,
  );
  expect(JSON.stringify(told)).not.toContain("SECRET");
  expect(judgeProxy(listProxyVariables({ NODE_USE_ENV_PROXY: "0", NO_PROXY: "x" })).status).toBe("pass");
});

test.each<[string, Finding, Finding["status"], RegExp, RegExp]>([
  [
    "a ban",
    judgeBudgets([{ ...budget, banned_ms: 900 * 1_000 }], NOW),
    "fail",
    /default is banned \(418\) for 15 min, until 2026-11-26T12:15:00Z/,
    /^wait/,
  ],
  [
    "the web firewall",
    judgeBudgets([{ ...budget, firewall_ms: 300 * 1_000 }], NOW),
    "fail",
    /held by the web firewall \(403\)/,
    /^wait/,
  ],
  [
    "a hold",
    // what is over is told as a little less than nothing
    judgeBudgets([budget, { ...budget, egress_key: "b", hold_ms: 20 * 1_000, banned_ms: -0.001 }], NOW),
    "warn",
    /of b is held \(429\) for 20 s/,
    /WEIGHT_LIMIT/,
  ],
  ["weight", judgeBudgets([budget], NOW), "pass", /default: 4 weight/, /^$/],
])("of %s, budget says what is and what to do", (_, finding, status, output, remedy) => {
  expect(finding).toMatchObject({
    status,
    output: expect.stringMatching(output),
    remedy: expect.stringMatching(remedy),
  });
});
