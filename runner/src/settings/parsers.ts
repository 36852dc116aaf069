import { isInterval } from "../candle/interval.ts";
import { isSymbol, parseSymbol } from "../candle/symbol.ts";
import type { EnvironmentName } from "../contract/environment.ts";
import { INTERVALS, type Interval } from "../contract/intervals.ts";
import { JANITOR_NUMBERS, type JanitorScope, PROTECTED_SELECTORS } from "../contract/janitor.ts";
import { parseDbUrl } from "../db/connection/url.ts";
import { SettingsFault } from "../errors.ts";
import { parseSelectors, type Selector } from "../selector.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, parseTime, SECOND_MS } from "../time.ts";
import { parseJanitorMode, parseJanitorNamespace, parseJanitorScope } from "./janitor.ts";
import { type FreshnessLimits, listItems, parseFreshnessLimits } from "./lists.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Trusted settings. Times in ms; `weightLimit` a share of the exchange's 6,000 a minute. */
export type Settings = {
  readonly dbUrl: string;
  readonly autoPeriod: boolean;
  readonly syncIntervals: readonly Interval[];
  readonly fallbackStart: number;
  readonly exchangeUrl: string;
  readonly symbols: readonly string[] | null;
  readonly universeSize: number;
  readonly weightLimit: number;
  readonly egressKey: string;
  readonly maintMaxOps: number;
  readonly refreshLookbackMs: number;
  readonly vacuumAnalyzeOnly: boolean;
  /** null: the namespace that the process runs in. */
  readonly janitorNamespace: string | null;
  readonly janitorScope: JanitorScope;
  readonly janitorDeleteAfterS: number;
  readonly janitorFinishedAfterS: number;
  readonly janitorMaxDeletes: number;
  readonly janitorMaxPercent: number;
  readonly janitorProtectedSelectors: readonly Selector[];
  readonly janitorMode: "scan" | "delete";
  /** Ages in ms of the newest close; null: the defaults of health. */
  readonly freshnessLimits: FreshnessLimits | null;
  /** null: not checked. */
  readonly dbSizeBudgetGb: number | null;
  /** Pods of an Indexed Job, and which of them this is, from 0. */
  readonly shards: number;
  readonly shardIndex: number;
  /** null: a new one. */
  readonly runId: string | null;
  /** Name of the job that starts the run; null: a person. */
  readonly runOrigin: string | null;
};

const LARGEST_JOB = 9999;
const DEFAULT_EXCHANGE_URL = "https://api.binance.com";

type Parser<T> = {
  readonly name: EnvironmentName;
  readonly fallback?: string;
  /** Set but blank is not the default: `parse` gets it, to refuse it. */
  readonly takesBlank?: true;
  readonly parse: (text: string) => T;
};

/** Throw the sentence that says what is expected; the name is put before it, and never the value of a secret. */
const PARSERS: { readonly [K in keyof Settings]: Parser<Settings[K]> } = {
  dbUrl: { name: "DB_URL", parse: parseDbUrl },
  autoPeriod: { name: "AUTO_PERIOD", fallback: "true", parse: parseBoolean },
  syncIntervals: { name: "SYNC_INTERVALS", fallback: INTERVALS.join(","), parse: parseIntervals },
  fallbackStart: { name: "FALLBACK_START", fallback: "2020-01-01", parse: parseTime },
  exchangeUrl: { name: "EXCHANGE_URL", fallback: DEFAULT_EXCHANGE_URL, parse: parseHttpUrl },
  symbols: { name: "SYMBOLS", fallback: "", parse: (text) => (text === "" ? null : parseSymbols(text)) },
  universeSize: { name: "UNIVERSE_SIZE", fallback: "60", parse: parseUniverseSize },
  weightLimit: { name: "WEIGHT_LIMIT", fallback: "0.8", parse: parseShare },
  shards: { name: "R3A_SHARDS", fallback: "1", parse: (text) => parseCount(text, LARGEST_JOB) },
  shardIndex: { name: "JOB_COMPLETION_INDEX", fallback: "0", parse: parseIndex },
  runId: { name: "R3A_RUN_ID", fallback: "", parse: (text) => (text === "" ? null : parseRunId(text)) },
  runOrigin: {
    name: "R3A_RUN_ORIGIN",
    fallback: "",
    parse: (text) => (text === "" ? null : parseRunOrigin(text)),
  },
  egressKey: { name: "EGRESS_KEY", fallback: "default", parse: parseEgressKey },
  maintMaxOps: { name: "MAINT_MAX_OPS", fallback: "300", parse: (text) => parseCount(text, 100_000) },
  refreshLookbackMs: { name: "REFRESH_LOOKBACK", fallback: "3 days", parse: parseDuration },
  vacuumAnalyzeOnly: { name: "VACUUM_ANALYZE_ONLY", fallback: "true", parse: parseBoolean },
  janitorNamespace: {
    name: "JANITOR_NAMESPACE",
    fallback: "",
    parse: (text) => (text === "" ? null : parseJanitorNamespace(text)),
  },
  janitorScope: { name: "JANITOR_SCOPE", fallback: "ours", parse: parseJanitorScope },
  janitorDeleteAfterS: janitorNumber("JANITOR_DELETE_AFTER_SECONDS", "deleteAfterS"),
  janitorFinishedAfterS: janitorNumber("JANITOR_FINISHED_AFTER_SECONDS", "finishedAfterS"),
  janitorMaxDeletes: janitorNumber("JANITOR_MAX_DELETES", "maxDeletes"),
  janitorMaxPercent: janitorNumber("JANITOR_MAX_PERCENT", "maxPercent"),
  janitorProtectedSelectors: {
    name: "JANITOR_PROTECTED_SELECTORS",
    fallback: PROTECTED_SELECTORS.join(";"),
    // a variable that came out empty must not take the protection away
    takesBlank: true,
    parse: parseSelectors,
  },
  janitorMode: { name: "JANITOR_MODE", fallback: "scan", parse: parseJanitorMode },
  freshnessLimits: {
    name: "FRESHNESS_LIMITS",
    fallback: "",
    parse: (text) => (text === "" ? null : parseFreshnessLimits(text)),
  },
  dbSizeBudgetGb: {
    name: "DB_SIZE_BUDGET_GB",
    fallback: "",
    parse: (text) => (text === "" ? null : parseCount(text, 1_000_000)),
  },
};

/** Parses just the settings that a command needs; every fault is in the one SettingsFault that is thrown. */
export function parseSettings<K extends keyof Settings>(
  env: Environment,
  needed: readonly K[],
): Pick<Settings, K> {
  const faults: string[] = [];
  const parsed: Partial<Settings> = {};
  for (const key of needed) {
    const { name, fallback, takesBlank, parse }: Parser<Settings[K]> = PARSERS[key];
    const given = env[name]?.trim();
    const text = given === "" && !takesBlank ? fallback : (given ?? fallback);
    if (text === undefined) {
      faults.push(`${name} is not set`);
      continue;
    }
    try {
      parsed[key] = parse(text);
    } catch (error) {
      faults.push(`${name} ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (faults.length > 0) throw new SettingsFault(faults);
  return parsed as Pick<Settings, K>;
}

/** What stands behind ? and # would be lost, or shown with the address, and may be a key. */
function parseHttpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || /[@?#\s\p{C}]/u.test(text)) {
    const shown = /[@?#]/.test(text) ? "(its value is not shown)" : `not ${JSON.stringify(text)}`;
    throw new Error(`must be an http(s) URL without credentials, query and fragment, ${shown}`);
  }
  return text.replace(/\/+$/, "");
}

function parseBoolean(text: string): boolean {
  if (/^(true|1|yes)$/i.test(text)) return true;
  if (/^(false|0|no)$/i.test(text)) return false;
  throw new Error(`must be true or false, not ${JSON.stringify(text)}`);
}

export function parseInterval(text: string): Interval {
  if (isInterval(text)) return text;
  throw new Error(`must be one of ${INTERVALS.join(", ")} (case matters), not ${JSON.stringify(text)}`);
}

export function parseIntervals(text: string): readonly Interval[] {
  return [...new Set(listItems(text).map(parseInterval))];
}

export function parseSymbols(text: string): readonly string[] {
  const symbols = listItems(text).map(parseSymbol);
  const broken = symbols.filter((symbol) => !isSymbol(symbol));
  if (broken.length > 0)
    throw new Error(`has no valid symbol in ${broken.map((s) => JSON.stringify(s)).join(", ")}`);
  return [...new Set(symbols)];
}

export function parseOneSymbol(text: string): string {
  const [symbol, ...more] = parseSymbols(text);
  if (symbol === undefined || more.length > 0)
    throw new Error(`must be one symbol, not ${JSON.stringify(text)}`);
  return symbol;
}

function parseIndex(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new Error(`must be a whole number from 0, not ${JSON.stringify(text)}`);
}

/** A natural number from 1 to `max`. */
export function parseCount(text: string, max: number): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= 1 && Number(text) <= max) return Number(text);
  throw new Error(`must be a whole number from 1 to ${max}, not ${JSON.stringify(text)}`);
}

/** Binance lists about 1,500 spot symbols that trade. */
export function parseUniverseSize(text: string): number {
  return parseCount(text, 2000);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function parseRunId(text: string): string {
  if (UUID.test(text)) return text.toLowerCase();
  throw new Error(
    `must be a UUID such as 01a20000-0000-7000-8000-000000000001, not ${JSON.stringify(text.slice(0, 60))}`,
  );
}

function parseRunOrigin(text: string): string {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) return text;
  throw new Error(`must be the name of a job such as sync-1m, not ${JSON.stringify(text.slice(0, 60))}`);
}

function parseShare(text: string): number {
  const share = Number(text);
  if (/^[\d.]+$/.test(text) && share > 0 && share <= 1) return share;
  throw new Error(`must be a share above 0 and up to 1, not ${JSON.stringify(text)}`);
}

function parseEgressKey(text: string): string {
  if (/^[\w.:-]{1,100}$/.test(text)) return text;
  throw new Error(`must be 1 to 100 letters, digits or . : _ -, not ${JSON.stringify(text)}`);
}

const UNIT_MS = { second: SECOND_MS, minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS } as const;

/** `3 days`, `90 minutes`: in ms. */
export function parseDuration(text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,6}) (second|minute|hour|day)s?$/.exec(text) ?? [];
  const ms = Number(count) * (UNIT_MS[unit as keyof typeof UNIT_MS] ?? 0);
  if (ms > 0) return ms;
  throw new Error(
    `must be a number of seconds, minutes, hours or days, e.g. "3 days", not ${JSON.stringify(text)}`,
  );
}

function janitorNumber(name: EnvironmentName, number: keyof typeof JANITOR_NUMBERS): Parser<number> {
  const { usual, most } = JANITOR_NUMBERS[number];
  return { name, fallback: String(usual), parse: (text) => parseCount(text, most) };
}
