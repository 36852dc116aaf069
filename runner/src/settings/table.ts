import { LOG_LEVELS } from "../contract/environment.ts";
import type { Interval } from "../contract/intervals.ts";
import { parseDbUrl } from "../db/connection/url.ts";
import { STORE_ROWS, type StoreSettings } from "./backup.ts";
import { JANITOR_ROWS, type JanitorSettings } from "./janitor.ts";
import { OBJECT_ROWS, type ObjectSettings } from "./object.ts";
import {
  type FreshnessLimits,
  oneOf,
  parseBoolean,
  parseDuration,
  parseEgressKey,
  parseFallbackStart,
  parseFreshnessLimits,
  parseHttpUrl,
  parseIndex,
  parseIntervals,
  parseRunId,
  parseRunOrigin,
  parseShare,
  parseSymbols,
} from "./parsers.ts";
import { countRow, type Rows } from "./row.ts";

/** Trusted settings. Times in ms; `weightLimit` a share of the exchange's 6,000 a minute. */
export type Settings = JanitorSettings &
  StoreSettings &
  ObjectSettings & {
    readonly dbUrl: string;
    /** Where restore --all restores; null: its option says it. */
    readonly restoreDbUrl: string | null;
    /** On the server for drills. */
    readonly drillDbUrl: string;
    readonly autoPeriod: boolean;
    readonly syncIntervals: readonly Interval[];
    readonly fallbackStart: number;
    readonly exchangeUrl: string;
    /** null: the largest by volume. */
    readonly symbols: readonly string[] | null;
    readonly universeSize: number;
    readonly weightLimit: number;
    readonly egressKey: string;
    readonly maintMaxOps: number;
    readonly refreshLookbackMs: number;
    readonly vacuumAnalyzeOnly: boolean;
    readonly freshnessLimits: FreshnessLimits;
    /** null: not checked. */
    readonly dbSizeBudgetGb: number | null;
    /** Pods of an Indexed Job, and which of them this is, from 0. */
    readonly shards: number;
    readonly shardIndex: number;
    /** null: a new one. */
    readonly runId: string | null;
    /** Name of the job that starts the run; null: a person. */
    readonly runOrigin: string | null;
    /** The log reads its variable itself, before there are settings: here the text is only checked. */
    readonly logLevel: (typeof LOG_LEVELS)[number];
  };

/** Every setting of the runner. A group of commands keeps its own rows in a file, as the janitor does, and adds them here. */
export const SETTINGS: Rows<Settings> = {
  dbUrl: { name: "DB_URL", parse: parseDbUrl },
  restoreDbUrl: { name: "RESTORE_DB_URL", parse: parseDbUrl, absent: null },
  drillDbUrl: { name: "DRILL_DB_URL", parse: parseDbUrl },
  autoPeriod: { name: "AUTO_PERIOD", parse: parseBoolean },
  syncIntervals: { name: "SYNC_INTERVALS", parse: parseIntervals },
  fallbackStart: { name: "FALLBACK_START", parse: (text) => parseFallbackStart(text, Date.now()) },
  exchangeUrl: { name: "EXCHANGE_URL", parse: parseHttpUrl },
  symbols: { name: "SYMBOLS", parse: parseSymbols, absent: null },
  universeSize: countRow("UNIVERSE_SIZE"),
  weightLimit: { name: "WEIGHT_LIMIT", parse: parseShare },
  shards: countRow("R3A_SHARDS"),
  shardIndex: { name: "JOB_COMPLETION_INDEX", parse: parseIndex },
  runId: { name: "R3A_RUN_ID", parse: parseRunId, absent: null },
  runOrigin: { name: "R3A_RUN_ORIGIN", parse: parseRunOrigin, absent: null },
  logLevel: { name: "LOG_LEVEL", parse: oneOf(LOG_LEVELS) },
  egressKey: { name: "EGRESS_KEY", parse: parseEgressKey },
  maintMaxOps: countRow("MAINT_MAX_OPS"),
  refreshLookbackMs: { name: "REFRESH_LOOKBACK", parse: parseDuration },
  vacuumAnalyzeOnly: { name: "VACUUM_ANALYZE_ONLY", parse: parseBoolean },
  ...JANITOR_ROWS,
  ...STORE_ROWS,
  ...OBJECT_ROWS,
  freshnessLimits: { name: "FRESHNESS_LIMITS", parse: parseFreshnessLimits },
  dbSizeBudgetGb: { ...countRow("DB_SIZE_BUDGET_GB"), absent: null },
};

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly (keyof Settings)[];
