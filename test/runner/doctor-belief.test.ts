import { expect, test } from "vitest";
import type { Finding } from "../../runner/src/doctor/check.ts";
import { judgeBudgets } from "../../runner/src/doctor/exchange.ts";
import { judgeProxy } from "../../runner/src/doctor/settings.ts";
import { listProxyVariables } from "../../runner/src/exchange/proxy.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../runner/src/time.ts";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const budget = {
  egressKey: "default",
  used: 4,
  minuteAheadMs: 0,
  holdMs: 0,
  firewallMs: 0,
  bannedMs: 0,
};

test.each([
  ["minuteAheadMs", 2 * MINUTE_MS, "pass", /^minute of default lies 2 min ahead/],
  ["holdMs", HOUR_MS, "warn", /^hold_until of default lies 60 min ahead, and 60 min is the most/],
  ["firewallMs", HOUR_MS, "fail", /^firewall_until of default lies/],
  ["bannedMs", 3 * DAY_MS, "fail", /^banned_until of default lies 3.0 d ahead/],
] as const)(
  "a budget whose %s is beyond %d ms is impossible, and the remedy has the statement that lifts it",
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
  const finding = judgeProxy(names);
  expect(finding.status).toBe("warn");
  expect(finding.output).toMatch(
    /^All_Proxy, HTTPS_PROXY.* are set, and requests to the exchange use no proxy$/,
  );
  expect(JSON.stringify(finding)).not.toContain("SECRET");
  expect(judgeProxy(listProxyVariables({ NODE_USE_ENV_PROXY: "0", NO_PROXY: "x" })).status).toBe("pass");
});

test.each<[string, Finding, Finding["status"], RegExp, RegExp]>([
  [
    "a ban",
    judgeBudgets([{ ...budget, bannedMs: 900 * 1_000 }], NOW),
    "fail",
    /default is banned \(418\) for 15 min, until 2026-11-26T12:15:00Z/,
    /^wait/,
  ],
  [
    "the web firewall",
    judgeBudgets([{ ...budget, firewallMs: 300 * 1_000 }], NOW),
    "fail",
    /held by the web firewall \(403\)/,
    /^wait/,
  ],
  [
    "a hold",
    judgeBudgets([budget, { ...budget, egressKey: "b", holdMs: 20 * 1_000 }], NOW),
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
