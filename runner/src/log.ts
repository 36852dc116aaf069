import pino from "pino";
import { ENVIRONMENT, LOG_LEVELS, SECRET_NAMES } from "./contract/environment.ts";
import type { Environment } from "./settings/parse.ts";

export type Logger = pino.Logger;

const CREDENTIALS_IN_URL = /([a-z][a-z0-9+]*:\/\/)[^\s/@"']+@/gi;
/** A secret key of age is removed wherever it came from: a file holds it as often as a variable. */
const AGE_KEY = /AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{10,}/gi;
/** The least length of a bare secret that is removed, in characters. Credentials in a URL are always removed. */
const SHORTEST = { inLogs: 4, inResults: 12 } as const;

/**
 * A filter that removes every secret of this environment from a text, and the credentials from any URL. It is not
 * enough to filter known fields: a message, a stack or a cause can hold the whole URL.
 */
export function createRedactor(env: Environment): (text: string) => string {
  return redactorOf(env, SHORTEST.inLogs);
}

/**
 * The filter for results, which programs read: a bare secret of less than 12 characters stays. A password such as
 * `ohlcv` or `fail` is also a name of a metric or a state, and the program that reads the result needs these names; a
 * reader of such a word learns nothing from it. The whole DB_URL and the credentials in URLs are removed here too.
 */
export function createResultRedactor(env: Environment): (text: string) => string {
  return redactorOf(env, SHORTEST.inResults);
}

function redactorOf(env: Environment, shortest: number): (text: string) => string {
  const values = SECRET_NAMES.flatMap((name) => {
    const value = env[name] ?? "";
    const password = URL.canParse(value) ? new URL(value).password : "";
    // log lines are JSON, in which quotes and backslashes of a secret look different
    return [value, password, decodeSafely(password)].flatMap((text) => [
      text,
      JSON.stringify(text).slice(1, -1),
    ]);
  }).filter((value) => value.length >= shortest);
  const secrets = [...new Set(values)].toSorted((a, b) => b.length - a.length);
  return (text) =>
    secrets
      .reduce((rest, secret) => rest.replaceAll(secret, "[REDACTED]"), text)
      .replace(CREDENTIALS_IN_URL, "$1[REDACTED]@")
      .replace(AGE_KEY, "[REDACTED]");
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a % that encodes nothing is a part of the password
  }
}

/**
 * JSON lines with ECS names on stderr; on a terminal one short line for a person. stdout is for results only. A LOG_LEVEL
 * that is no level counts as not set here: the settings report this fault, and the log must be there for that.
 */
export function createLogger(env: Environment, write: (text: string) => void, forPeople: boolean): Logger {
  const level = LOG_LEVELS.find((each) => each === env.LOG_LEVEL?.trim());
  const redact = createRedactor(env);
  return pino(
    {
      // a person watches the progress bar, and a line for each series would break the bar
      level: level ?? (forPeople ? "warn" : ENVIRONMENT.LOG_LEVEL.default),
      messageKey: "message",
      base: { "service.name": "r3a" },
      timestamp: () => `,"@timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ "log.level": label }) },
      hooks: { streamWrite: redact },
    },
    { write: forPeople ? (line: string) => write(renderForPeople(line)) : write },
  );
}

function renderForPeople(line: string): string {
  const entry: Record<string, unknown> = JSON.parse(line);
  const where = [entry.symbol, entry.interval].filter((part) => part !== undefined).join(" ");
  const level = entry["log.level"] === "info" ? "" : `${entry["log.level"]}: `;
  return `${level}${where === "" ? "" : `${where}: `}${entry.message}\n`;
}
