import pino from "pino";
import { ENVIRONMENT, SECRET_NAMES } from "./contract/environment.ts";
import type { Environment } from "./settings/parse.ts";

export type Logger = pino.Logger;

const CREDENTIALS_IN_URL = /([a-z][a-z0-9+]*:\/\/)[^\s/@"']+@/gi;
/** In characters; of a bare secret, not of one in a URL. */
const SHORTEST = { inLogs: 4, inResults: 12 } as const;

/**
 * A filter that takes every secret of this environment out of a text, and credentials out of any URL. Paths of known
 * fields are not enough: a message, a stack or a cause can hold the whole URL.
 */
export function createRedactor(env: Environment): (text: string) => string {
  return redactorOf(env, SHORTEST.inLogs);
}

/**
 * The same for results, which programs read: a bare secret of less than 12 characters stays. A password such as
 * `ohlcv` or `fail` is a word of ours too, and without it metrics and states would have no name any more; whoever sees
 * the word learns nothing from it. The whole DB_URL and credentials in URLs go here too.
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
      .replace(CREDENTIALS_IN_URL, "$1[REDACTED]@");
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone % is part of the password itself
  }
}

const LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];

/** JSON lines in ECS names on stderr; on a terminal one short line for a person. stdout is for results only. */
export function createLogger(env: Environment, write: (text: string) => void, forPeople: boolean): Logger {
  const level = env.LOG_LEVEL ?? "";
  const redact = createRedactor(env);
  return pino(
    {
      // a person watches the progress bar, which lines of every series would tear
      level: LEVELS.includes(level) ? level : forPeople ? "warn" : ENVIRONMENT.LOG_LEVEL.default,
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
