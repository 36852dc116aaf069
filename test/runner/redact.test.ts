import { describe, expect, test } from "vitest";
import { createRedactor, createResultRedactor } from "../../runner/src/redact.ts";
import type { Environment } from "../../runner/src/settings/parse.ts";

/** A password that needs encoding in a URL and escaping in JSON, in every form in which it can show up. */
const PASSWORD = 'ca"na\\ry/4711@x';
const ENCODED = encodeURIComponent(PASSWORD);
const ESCAPED = JSON.stringify(PASSWORD).slice(1, -1);
const ENV: Environment = {
  DB_URL: `postgresql://r3a:${ENCODED}@db.example:5432/market`,
  BINANCE_API_KEY: "key-canary-0815",
  BINANCE_API_SECRET: "secret-canary-0816",
};
const FORMS = [PASSWORD, ENCODED, ESCAPED, "canary"];

function expectNoSecret(text: string): void {
  for (const form of FORMS) expect(text).not.toContain(form);
}

describe("createRedactor", () => {
  const redact = createRedactor(ENV);

  test.each([
    ["the whole URL", ENV.DB_URL],
    ["the password as written", ENCODED],
    ["the password as meant", PASSWORD],
    ["the password inside of JSON", JSON.stringify({ password: PASSWORD })],
    ["an API key", "key-canary-0815"],
    ["an API secret", "?signature=secret-canary-0816&x=1"],
    ["the URL in the form of the old system", ENV.DB_URL?.replace("postgresql", "postgresql+psycopg2")],
    ["the same secret twice", `${PASSWORD} and ${ENCODED}`],
  ])("takes %s out of a text", (_, secret) => {
    const text = redact(`before ${secret} behind`);
    expect(text).toContain("[REDACTED]");
    expect(text).toMatch(/^before .* behind$/);
    expectNoSecret(text);
  });

  test("takes credentials out of any URL, also of one that is not ours", () => {
    expect(redact("GET https://me:canary@mirror.example/x")).toBe("GET https://[REDACTED]@mirror.example/x");
    expect(redact("amqp://canary@queue postgres://a:canary@b/c")).toBe(
      "amqp://[REDACTED]@queue postgres://[REDACTED]@b/c",
    );
  });

  test("leaves the placeholder of our own examples, and nothing that only looks like it", () => {
    const example = "e.g. --to postgresql://USER:PASSWORD@HOST:5432/NEW";
    expect(redact(example)).toBe(example);
    expect(redact("postgresql://user:password@h/d postgresql://USER:PASSWORD2@h/d")).toBe(
      "postgresql://[REDACTED]@h/d postgresql://[REDACTED]@h/d",
    );
    const own = createRedactor({ DB_URL: "postgresql://USER:PASSWORD@db/market" });
    expect(own("postgresql://USER:PASSWORD@other/x")).not.toContain("PASSWORD");
  });

  test("leaves a text without secrets as it is", () => {
    const text = "series BTCUSDT 1m: https://api.binance.com/api/v3/klines?x=a@b, mail to a@b.example";
    expect(redact(text)).toBe(text);
    expect(createRedactor({})(text)).toBe(text);
  });

  test("does not tear a log apart for a password of three letters, and still hides it in its URL", () => {
    const short = createRedactor({ DB_URL: "postgresql://r3a:log@db/market" });
    expect(short("the catalog of logs")).toBe("the catalog of logs");
    expect(short("postgresql://r3a:log@db/market")).not.toContain("r3a:log");
  });

  test.each(["postgres", "candles", "password", "trade", "r3a_writer"])(
    "leaves messages readable under the password %s, which is a word of ours, and hides it in its place",
    (word) => {
      const own = createRedactor({ DB_URL: `postgresql://trade:${word}@db.example/market` });
      const message = `password authentication failed for user "trade"; 12 candles of ${word}; the role r3a_writer, postgres`;
      expect(own(message)).toBe(message);
      for (const [text, left] of [
        [`at postgresql://trade:${word}@db.example/market`, "at [REDACTED]"],
        [`at postgresql://trade:${word}@other/x`, "at postgresql://[REDACTED]@other/x"],
        [`as trade:${word}@db`, "as trade:[REDACTED]@db"],
        [`create role x password '${word}'`, "create role x password '[REDACTED]'"],
        [`PGPASSWORD=${word} psql`, "PGPASSWORD=[REDACTED] psql"],
        [`host=db password=${word}`, "host=db password=[REDACTED]"],
        [`{"password":"${word}"}`, '{"password":"[REDACTED]"}'],
        [
          JSON.stringify({ message: `{"password": "${word}"}` }),
          String.raw`{"message":"{\"password\": \"[REDACTED]\"}"}`,
        ],
        [`https://x/?user=a&password=${word}&b=1`, "https://x/?user=a&password=[REDACTED]&b=1"],
      ] as const)
        expect(own(text)).toBe(left);
    },
  );

  test("takes out a short word that is none of ours, and leaves the words that it is a part of", () => {
    const own = createRedactor({ DB_URL: "postgresql://r3a:ring@db/market" });
    expect(own("during the ring, RING (ring)")).toBe("during the [REDACTED], RING ([REDACTED])");
    expect(own(JSON.stringify("a\nring\tring"))).toBe('"a\\n[REDACTED]\\t[REDACTED]"');
    const mixed = createRedactor({ DB_URL: "postgresql://r3a:ring1@db/market" });
    expect(mixed("duringring1x")).toBe("during[REDACTED]x");
  });

  test("takes a password out of the name of its own role that it is a part of", () => {
    const own = createRedactor({ DB_URL: "postgresql://canary_role:canary@db/market" });
    expect(own('grant select on table r3a.coin to "canary_role"')).toBe(
      'grant select on table r3a.coin to "[REDACTED]_role"',
    );
  });

  test("takes out a password that stands behind the ? of DB_URL, alone too", () => {
    const own = createRedactor({
      DB_URL: "postgresql://db/market?user=r3a&password=can%2Fary9&sslpassword=key-canary",
    });
    expect(own("can%2Fary9, can/ary9 and key-canary")).toBe("[REDACTED], [REDACTED] and [REDACTED]");
  });

  test("copes with a password that is no valid encoding, and with a DB_URL that is no URL", () => {
    expect(createRedactor({ DB_URL: "postgresql://r3a:canary%zz@db/market" })("login canary%zz failed")).toBe(
      "login [REDACTED] failed",
    );
    expect(createRedactor({ DB_URL: "host=db password=canary" })("host=db password=canary")).toBe(
      "[REDACTED]",
    );
  });
});

describe("createResultRedactor", () => {
  const withPassword = (password: string) =>
    createResultRedactor({ DB_URL: `postgresql://r3a:${password}@db/market`, BINANCE_API_KEY: "pass" });

  test.each([
    ["ohlcv", "# HELP ohlcv_db_up Whether the database answered."],
    ["fail", '{"status":"fail","checks":["pass"]}'],
    ["elevenchars", "elevenchars"],
  ])(
    "leaves the word %s in a result, and takes it out of a URL and of the place of a password",
    (password, result) => {
      const redact = withPassword(password);
      expect(redact(result)).toBe(result);
      const url = `postgresql://r3a:${password}@db/market`;
      expect(redact(`at ${url}`)).toBe("at [REDACTED]");
      expect(redact(`at postgresql://r3a:${password}@other`)).toBe("at postgresql://[REDACTED]@other");
      expect(createRedactor({ DB_URL: url })(`password: "${password}"`)).toBe('password: "[REDACTED]"');
    },
  );

  test("takes out what is long enough to be no word of ours", () => {
    expect(withPassword("twelve-chars")("at twelve-chars")).toBe("at [REDACTED]");
    const redact = createResultRedactor(ENV);
    for (const secret of [PASSWORD, ENCODED, JSON.stringify(PASSWORD), "secret-canary-0816"])
      expectNoSecret(redact(secret));
  });
});
