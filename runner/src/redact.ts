import { COMMANDS } from "./contract/commands.ts";
import { ENVIRONMENT, SECRET_NAMES } from "./contract/environment.ts";
import { EXIT_MEANING } from "./contract/exits.ts";
import { CRON_JOBS, ROLE_NAMES } from "./contract/names.ts";
import type { Environment } from "./settings/parse.ts";

const HIDDEN = "[REDACTED]";
const CREDENTIALS_IN_URL = /([a-z][a-z0-9+]*:\/\/)[^\s/@"']+@/gi;
/** What help and messages write where a person puts her own: it must be readable. */
const PLACEHOLDER = "USER:PASSWORD@";
const PASSWORD_IN_QUERY = /([?&](?:ssl)?password=)[^\s&"'\\]+/gi;
/** A secret key of age is removed wherever it came from: a file holds it as often as a variable. */
const AGE_KEY = /AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{10,}/gi;
/** The least length of a secret that is removed as a bare word, in characters. In its positions every secret is removed. */
const SHORTEST = { inLogs: 4, inResults: 12 } as const;
/** From this length on a secret is no word of a text, and is removed wherever it stands. */
const LONG = 12;

/**
 * A filter that removes every secret of this environment from a text, and the credentials from any URL. It is not
 * enough to filter known fields: a message, a stack or a cause can hold the whole URL. A short password that is a word of
 * our own texts, such as `postgres`, is removed in the positions of a password alone: without that word no message could
 * be read, and a reader of the word learns nothing from it.
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
  const values = SECRET_NAMES.map((name) => env[name] ?? "");
  const own = createOwnWords();
  const secrets = new Set(
    values
      .flatMap((value) => [value, ...passwordsOf(value)])
      // log lines are JSON, in which quotes and backslashes of a secret look different
      .flatMap((text) => [text, JSON.stringify(text).slice(1, -1)])
      .filter((text) => text.length > 0),
  );
  const patterns = [...secrets]
    .toSorted((a, b) => b.length - a.length)
    .flatMap((secret) => [
      positionsOf(secret),
      ...(secret.length < shortest || own(secret) ? [] : [bareOf(secret)]),
    ]);
  return (text) =>
    patterns
      .reduce((rest, pattern) => rest.replaceAll(pattern, `$1${HIDDEN}`), text)
      .replace(CREDENTIALS_IN_URL, (found, scheme: string) =>
        found === `${scheme}${PLACEHOLDER}` ? found : `${scheme}${HIDDEN}@`,
      )
      .replace(PASSWORD_IN_QUERY, `$1${HIDDEN}`)
      .replace(AGE_KEY, HIDDEN);
}

/** The passwords of a URL, as they are written and as they are meant. */
function passwordsOf(value: string): readonly string[] {
  if (!URL.canParse(value)) return [];
  const { password, search } = new URL(value);
  const given = [...search.matchAll(/[?&](?:ssl)?password=([^&]*)/g)].map(([, text]) => text ?? "");
  return [password, ...given].flatMap((text) => [text, decodeSafely(text)]);
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a % that encodes nothing is a part of the password
  }
}

/** A word can begin behind a mark of JSON, such as the n of a line break. */
const WORD_BEGINS = String.raw`(?<=^|[^A-Za-z0-9]|\\[bfnrt]|\\u[0-9a-f]{4})`;
const WORD_ENDS = "(?![A-Za-z0-9])";

/** A secret wherever it stands; a short one of letters alone as a whole word: `ring` is a part of `during`. */
function bareOf(secret: string): RegExp {
  const isWord = secret.length < LONG && /^[A-Za-z]+$/.test(secret);
  return new RegExp(
    isWord ? `()${WORD_BEGINS}${escapeOf(secret)}${WORD_ENDS}` : `()${escapeOf(secret)}`,
    "g",
  );
}

/** Where a secret says of itself that it is one: `password=it`, `"password":"it"`, `password 'it'`, `user:it@host`. */
function positionsOf(secret: string): RegExp {
  const named = String.raw`(?:password|passwd|pwd|passphrase|secret|api[_-]?key|token)["'\\]*(?:\s+is)?\s*[:=]?\s*["'\\]*`;
  return new RegExp(
    `((?:${named})(?<![A-Za-z])|:(?=${escapeOf(secret)}@))${escapeOf(secret)}${WORD_ENDS}`,
    "gi",
  );
}

function escapeOf(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);
}

/** Words of messages of this program, of its driver and of the server, beside those of the contract. */
const OTHER_WORDS =
  "postgres postgresql password candle candles market markets trade trades trading binance exchange database server role user login admin root public schema table index partition leaf series symbol interval gap gaps run runs error failed failure fail success warning connection connect timeout refused ohlcv crypto data price prices volume open close high low";

/**
 * Whether a short secret is also a word of our texts. A name of the own URL is none: a role `hunter2` must not show its
 * password. The words are collected for a short secret alone: each start of a program would pay for them.
 */
function createOwnWords(): (secret: string) => boolean {
  let words: ReadonlySet<string> | null = null;
  const collect = () => {
    const texts = [
      ...[...COMMANDS, ...CRON_JOBS, ...Object.values(ROLE_NAMES), ...Object.values(EXIT_MEANING)],
      ...Object.entries(ENVIRONMENT).flatMap(([name, { meaning }]) => [name, meaning]),
      OTHER_WORDS,
    ];
    const whole = texts.flatMap((text) => text.toLowerCase().split(/[^a-z0-9_]+/));
    return new Set(whole.flatMap((word) => [word, ...word.split("_")]));
  };
  return (secret) => {
    if (secret.length >= LONG) return false;
    words ??= collect();
    return words.has(secret.toLowerCase());
  };
}
