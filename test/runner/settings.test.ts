import { describe, expect, test } from "vitest";
import { ENVIRONMENT } from "../../runner/src/contract/environment.ts";
import { DEFAULT_FRESHNESS_LIMITS } from "../../runner/src/contract/freshness.ts";
import { PROTECTED_SELECTORS } from "../../runner/src/contract/janitor.ts";
import { SettingsFault } from "../../runner/src/errors.ts";
import { parseSettings } from "../../runner/src/settings/parse.ts";
import { parseCount, parseIntervals, parseSymbols } from "../../runner/src/settings/parsers.ts";
import type { Row } from "../../runner/src/settings/row.ts";
import { SETTINGS, type Settings } from "../../runner/src/settings/table.ts";
import { faultsOf as faultsIn } from "../support/settings-faults.ts";

const DB_URL = "postgresql://r3a:canary-4711@db.example:5432/market";
const ALL: readonly (keyof Settings)[] = [
  "dbUrl",
  "autoPeriod",
  "syncIntervals",
  "fallbackStart",
  "exchangeUrl",
  "symbols",
  "universeSize",
  "weightLimit",
  "egressKey",
];

const faultsOf = (env: Readonly<Record<string, string>>, needed = ALL) => faultsIn(env, needed);

test("every variable of the contract has one row in the table, or a reason to have none", () => {
  const ofTheSdk = "the client of S3 reads it";
  const elsewhere: Readonly<Record<string, string>> = {
    AWS_ACCESS_KEY_ID: ofTheSdk,
    AWS_SECRET_ACCESS_KEY: ofTheSdk,
    AWS_SESSION_TOKEN: ofTheSdk,
    AWS_REGION: ofTheSdk,
    AWS_PROFILE: ofTheSdk,
    AWS_SHARED_CREDENTIALS_FILE: ofTheSdk,
    AWS_ROLE_ARN: ofTheSdk,
    AWS_WEB_IDENTITY_TOKEN_FILE: ofTheSdk,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: ofTheSdk,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: ofTheSdk,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: ofTheSdk,
    BINANCE_API_KEY: "never used",
    BINANCE_API_SECRET: "never used",
    NO_COLOR: "commander reads it for the help",
    R3A_HEARTBEAT_FILE: "the heartbeat reads it",
    R3A_HEARTBEAT_MAX_AGE: "the probe reads it",
  };
  const rows = Object.values<Row<unknown>>(SETTINGS).flatMap(({ name, other }) => [
    name,
    ...(other === undefined ? [] : [other.name]),
  ]);
  expect([...rows, ...Object.keys(elsewhere)].sort()).toEqual(Object.keys(ENVIRONMENT).sort());
});

test("an environment with DB_URL alone has every default", () => {
  expect(parseSettings({ DB_URL }, ALL)).toEqual({
    dbUrl: DB_URL,
    autoPeriod: true,
    syncIntervals: ["1m", "15m", "1h", "4h", "1d"],
    fallbackStart: Date.UTC(2020, 0, 1),
    exchangeUrl: "https://api.binance.com",
    symbols: null,
    universeSize: 60,
    weightLimit: 0.8,
    egressKey: "default",
  });
});

test("every setting is read, blanks around it taken away", () => {
  const env = {
    DB_URL: ` ${DB_URL} `,
    AUTO_PERIOD: "No",
    SYNC_INTERVALS: "1h, 1m,1h",
    FALLBACK_START: "2024-02-29",
    EXCHANGE_URL: "http://127.0.0.1:8080//",
    SYMBOLS: "btc/usdt, ETH-USDT ,BTCUSDT",
    UNIVERSE_SIZE: "600",
    WEIGHT_LIMIT: ".5",
    EGRESS_KEY: "nat-1:eu.west",
  };
  expect(parseSettings(env, ALL)).toEqual({
    dbUrl: DB_URL,
    autoPeriod: false,
    syncIntervals: ["1h", "1m"],
    fallbackStart: Date.UTC(2024, 1, 29),
    exchangeUrl: "http://127.0.0.1:8080",
    symbols: ["BTCUSDT", "ETHUSDT"],
    universeSize: 600,
    weightLimit: 0.5,
    egressKey: "nat-1:eu.west",
  });
});

test("an empty value is the default, and a missing DB_URL has none", () => {
  expect(
    parseSettings({ UNIVERSE_SIZE: "", SYNC_INTERVALS: "  " }, ["universeSize", "syncIntervals"]),
  ).toMatchObject({
    universeSize: 60,
    syncIntervals: ["1m", "15m", "1h", "4h", "1d"],
  });
  expect(faultsOf({ DB_URL: "" }, ["dbUrl"])).toEqual(["DB_URL is not set"]);
});

test("a command gets the settings that it needs, and a fault of another one does not stop it", () => {
  expect(parseSettings({ DB_URL, UNIVERSE_SIZE: "many" }, ["dbUrl"])).toEqual({ dbUrl: DB_URL });
});

test("every fault is reported together, in one message, by the name of its variable", () => {
  const faults = faultsOf({
    DB_URL: "mysql://root:canary-4711@db/market",
    AUTO_PERIOD: "maybe",
    SYNC_INTERVALS: "1m,1M",
    FALLBACK_START: "2024-02-30",
    EXCHANGE_URL: "ftp://mirror",
    SYMBOLS: "BTCUSDT,no.symbol",
    UNIVERSE_SIZE: "-1",
    WEIGHT_LIMIT: "80",
    EGRESS_KEY: "a b",
  });
  expect(faults.map((fault) => fault.split(" ")[0])).toEqual([
    "DB_URL",
    "AUTO_PERIOD",
    "SYNC_INTERVALS",
    "FALLBACK_START",
    "EXCHANGE_URL",
    "SYMBOLS",
    "UNIVERSE_SIZE",
    "WEIGHT_LIMIT",
    "EGRESS_KEY",
  ]);
  const { message } = new SettingsFault(faults);
  for (const fault of faults) expect(message).toContain(`\n  - ${fault}`);
});

test("the janitor's numbers and selectors have defaults, and blank selectors are no default", () => {
  const needed = [
    "janitorDeleteAfterS",
    "janitorFinishedAfterS",
    "janitorMaxDeletes",
    "janitorMaxPercent",
    "janitorProtectedSelectors",
  ] as const;
  const settings = parseSettings({ JANITOR_MAX_DELETES: " " }, needed);
  expect({
    ...settings,
    janitorProtectedSelectors: settings.janitorProtectedSelectors.map(({ text }) => text),
  }).toEqual({
    janitorDeleteAfterS: 900,
    janitorFinishedAfterS: 35 * 86_400,
    janitorMaxDeletes: 20,
    janitorMaxPercent: 50,
    janitorProtectedSelectors: [...PROTECTED_SELECTORS],
  });
  for (const text of ["", "  ", "a;", "a in b"])
    expect(faultsOf({ JANITOR_PROTECTED_SELECTORS: text, JANITOR_MAX_PERCENT: "0" }, needed)).toEqual([
      expect.stringMatching(/^JANITOR_MAX_PERCENT must be a whole number from 1 to 100/),
      expect.stringMatching(/^JANITOR_PROTECTED_SELECTORS .* is no label selector/),
    ]);
});

describe("DB_URL", () => {
  test.each([
    "postgresql+psycopg2://u:p@h:5432/d",
    "postgres://u:p@h:5432/d",
    "postgresql+asyncpg://u:p@h:5432/d",
  ])("may be written as %s", (text) => {
    expect(parseSettings({ DB_URL: text }, ["dbUrl"])).toEqual({ dbUrl: "postgresql://u:p@h:5432/d" });
  });

  test("keeps its options and the encoding of its password", () => {
    const url = "postgresql://u:p%40ss%2Fw@h/d?sslmode=verify-full&application_name=mine";
    expect(parseSettings({ DB_URL: url }, ["dbUrl"])).toEqual({ dbUrl: url });
  });

  test.each([
    "mysql://root:canary-4711@db/market",
    "postgresql://r3a:canary-4711@db:notaport/market",
    "postgresql://r3a:canary-4711@:5432/market",
    "postgresql://r3a:canary-4711@db:5432",
    "postgresql://r3a:canary-4711@db:5432/",
    "postgresql://r3a:4711/canary@db:5432/market",
    "postgresql://r3a:canary%zz@db:5432/market",
    "r3a:canary-4711@db/market",
    "host=db password=canary-4711",
    "canary-4711",
  ])("is refused as %s, and the message shows nothing of it", (text) => {
    const [fault, ...others] = faultsOf({ DB_URL: text }, ["dbUrl"]);
    expect(others).toEqual([]);
    expect(fault).toMatch(/^DB_URL must look like postgresql:\/\//);
    expect(fault).not.toContain("canary");
  });
});

test.each([
  "https://me:canary-4711@mirror.example",
  "https://me:cana/ry-4711@mirror.example",
  "https://canary-4711@mirror",
  "https://:canary-4711@mirror",
])("credentials in EXCHANGE_URL (%s) are refused and not repeated", (text) => {
  const [fault] = faultsOf({ EXCHANGE_URL: text }, ["exchangeUrl"]);
  expect(fault).toMatch(/^EXCHANGE_URL must be an http\(s\) URL without credentials/);
  expect(fault).not.toMatch(/cana|4711/);
});

test.each([
  ["WEIGHT_LIMIT", "weightLimit", ["0", "1.01", "-0.5", "1e-3", "1.2.3", "80%", "NaN"], ["1", "0.05"]],
  ["UNIVERSE_SIZE", "universeSize", ["0", "-5", "2001", "1.5", "1e2", "0x10", "99999999999"], ["1", "2000"]],
  [
    "AUTO_PERIOD",
    "autoPeriod",
    ["2", "on", "tru", "truefalse"],
    ["true", "TRUE", "1", "yes", "false", "0", "NO"],
  ],
  ["SYNC_INTERVALS", "syncIntervals", ["1M", "5m", "1m;1h", ","], ["1d", "1m, 15m"]],
  ["SYMBOLS", "symbols", ["BTC.USDT", "B", "BTCUSDT,'", ","], ["btcusdt", "1000SATSUSDT"]],
  ["EGRESS_KEY", "egressKey", ["a b", "ä", "x".repeat(101)], ["nat-1", "10.0.0.1:443"]],
  ["EXCHANGE_URL", "exchangeUrl", ["api.binance.com", "ftp://x", "http://"], ["https://api4.binance.com/"]],
] as const)("%s takes what it should and refuses the rest", (name, key, wrong, right) => {
  for (const text of wrong) expect(faultsOf({ [name]: text }, [key]), text).toHaveLength(1);
  for (const text of right) expect(faultsOf({ [name]: text }, [key]), text).toEqual([]);
});

test("FRESHNESS_LIMITS goes before the default of each interval that it names", () => {
  const read = (env: Readonly<Record<string, string>>) =>
    parseSettings(env, ["freshnessLimits"]).freshnessLimits;
  const limits = read({});
  const text = Object.entries(limits).map(
    ([name, { warn, error }]) => `${name}=${warn / 1e3}/${error / 1e3}`,
  );
  expect(text.join(",")).toBe(DEFAULT_FRESHNESS_LIMITS);
  const own = { "15m": { warn: 1_000, error: 2_000 } };
  expect(read({ FRESHNESS_LIMITS: "15m=1/2" })).toEqual({ ...limits, ...own });
});

test("lists take blanks and repeats, and name everything that is wrong in them", () => {
  expect(parseIntervals("1h,,1m , 1h")).toEqual(["1h", "1m"]);
  expect(parseSymbols("btcusdt,BTC/USDT")).toEqual(["BTCUSDT"]);
  expect(() => parseSymbols("a.b,BTCUSDT,c;d")).toThrow('has what is not a symbol: "A.B", "C;D"');
});

test("a count is whole, positive and bounded", () => {
  expect(parseCount("10", 10)).toBe(10);
  for (const text of ["0", "11", "-1", "1.0", "", " 1", "１"])
    expect(() => parseCount(text, 10)).toThrow("from 1 to 10");
});
