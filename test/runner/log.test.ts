import { describe, expect, test } from "vitest";
import { createLogger } from "../../runner/src/log.ts";
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

function logTo(env: Environment, forPeople = false) {
  const lines: string[] = [];
  const log = createLogger(env, (text) => lines.push(text), forPeople);
  return { log, lines, entries: () => lines.map((line): Record<string, unknown> => JSON.parse(line)) };
}

function expectNoSecret(text: string): void {
  for (const form of FORMS) expect(text).not.toContain(form);
}

describe("createLogger", () => {
  test("writes one JSON line with @timestamp, log.level, message and the fields", () => {
    const { log, lines, entries } = logTo({});
    log
      .child({ job_name: "sync" })
      .warn({ symbol: "BTCUSDT", "event.name": "series_failed" }, "[RUN] two\nlines");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    const [entry] = entries();
    expect(entry).toEqual({
      "@timestamp": expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      "log.level": "warn",
      message: "[RUN] two\nlines",
      "service.name": "r3a",
      job_name: "sync",
      symbol: "BTCUSDT",
      "event.name": "series_failed",
    });
  });

  test("shows no secret in message, error, stack, cause or nested field, and stays JSON", () => {
    const { log, lines, entries } = logTo(ENV);
    const cause = new Error(`login with ${PASSWORD} failed`);
    const error = new Error(`cannot reach ${ENV.DB_URL}`, { cause });
    log.info(`connecting to ${ENV.DB_URL}`);
    log.error({ err: error }, "failed");
    log.error(error);
    log.fatal({ "error.stack_trace": error.stack }, `[RUN] ${cause.message}`);
    log.warn(
      { pg: { config: { password: PASSWORD, hosts: [ENV.DB_URL, ENCODED] } }, key: "key-canary-0815" },
      "nested",
    );
    log.child({ secret: "secret-canary-0816" }).info("child");
    log.info(`%s and ${ENCODED}`, PASSWORD);
    expect(lines).toHaveLength(7);
    for (const line of lines) {
      expectNoSecret(line);
      expect(line).toContain("[REDACTED]");
    }
    expect(entries().map((entry) => entry["log.level"])).toEqual([
      "info",
      "error",
      "error",
      "fatal",
      "warn",
      "info",
      "info",
    ]);
  });

  test("takes the level from LOG_LEVEL, and info where that is no level", () => {
    const levelsOf = (LOG_LEVEL: string) => {
      const { log, entries } = logTo({ LOG_LEVEL });
      for (const level of ["debug", "info", "error"] as const) log[level]("x");
      return entries().map((entry) => entry["log.level"]);
    };
    expect(levelsOf("debug")).toEqual(["debug", "info", "error"]);
    expect(levelsOf("error")).toEqual(["error"]);
    expect(levelsOf("silent")).toEqual([]);
    expect(levelsOf("loud")).toEqual(["info", "error"]);
    expect(levelsOf("")).toEqual(["info", "error"]);
  });

  test("writes a short line for people, without a secret", () => {
    const { log, lines } = logTo({ ...ENV, LOG_LEVEL: "info" }, true);
    log.info({ symbol: "BTCUSDT", interval: "1m" }, "3 added");
    log.error({ symbol: "BTCUSDT" }, `login with ${PASSWORD} failed`);
    log.info("done");
    expect(lines).toEqual([
      "BTCUSDT 1m: 3 added\n",
      "error: BTCUSDT: login with [REDACTED] failed\n",
      "done\n",
    ]);
  });

  test("tells people of warnings only, unless LOG_LEVEL asks for more: lines would tear the progress bar", () => {
    const { log, lines } = logTo({}, true);
    log.info("done");
    log.warn("late");
    expect(lines).toEqual(["warn: late\n"]);
  });
});
