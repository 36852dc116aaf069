import { DEFAULT_FRESHNESS_LIMITS } from "./freshness.ts";
import { INTERVALS } from "./intervals.ts";
import { FEW_PODS, PROTECTED_SELECTORS } from "./janitor.ts";
import { OBJECT_VARIABLES } from "./object-variables.ts";
import { RESTORE_VARIABLES } from "./restore-variables.ts";
import { STORE_VARIABLES } from "./store-variables.ts";
import type { Variable } from "./variable.ts";

const DAY_S = 86_400;

/** From the most urgent lines alone to all lines, and none. */
export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** Every environment variable that the runner reads. An option of a command wins over its variable, a variable over its default. */
export const ENVIRONMENT = {
  DB_URL: {
    meaning:
      "postgresql://user:password@host:5432/database; postgresql+psycopg2:// works too. TLS, verified, to any host but this machine unless sslmode says otherwise: docs/database.md.",
    isSecret: true,
  },
  AUTO_PERIOD: {
    meaning:
      "true: sync continues after the newest candle; false: sync asks for all candles since FALLBACK_START.",
    default: true,
  },
  SYNC_INTERVALS: {
    meaning: "the intervals that sync works on; a sync of any other interval ends at once with exit code 0.",
    default: INTERVALS.join(","),
  },
  FALLBACK_START: {
    meaning: "where a new series starts, YYYY-MM-DD or ISO 8601 in UTC.",
    default: "2020-01-01",
  },
  EXCHANGE_URL: {
    meaning: "base of the exchange's REST API: a mirror or the simulated exchange.",
    default: "https://api.binance.com",
  },
  SYMBOLS: { meaning: "symbols instead of the largest by volume, separated by commas." },
  UNIVERSE_SIZE: {
    meaning: "how many of the largest USDT symbols by quote volume.",
    default: 60,
    // Binance lists about 1,500 spot symbols that trade
    most: 2_000,
  },
  WEIGHT_LIMIT: {
    meaning: "share of the exchange's 6,000 weight a minute; backfill and repair take at most 0.6.",
    default: 0.8,
  },
  EGRESS_KEY: {
    meaning: "jobs behind one address share this key and so one budget.",
    default: "default",
  },
  MAINT_MAX_OPS: { meaning: "how many operations one maint run does at most.", default: 300, most: 100_000 },
  REFRESH_LOOKBACK: {
    meaning: "how far back from now refresh-lastts looks first, e.g. 3 days.",
    default: "3 days",
  },
  VACUUM_ANALYZE_ONLY: { meaning: "true: vacuum only analyses; false: it also vacuums.", default: true },
  JANITOR_NAMESPACE: {
    meaning: "namespace that the janitor cleans; kube-* is refused. Default: the namespace that it runs in.",
  },
  JANITOR_SCOPE: {
    meaning:
      "ours: the janitor acts on what carries app.kubernetes.io/part-of=r3a or was made by a CronJob of the suite; namespace: on all of the namespace. What an operator, Helm or a GitOps controller looks after stays in both.",
    default: "ours",
  },
  JANITOR_DELETE_AFTER_SECONDS: {
    meaning: "how long a pod must be stuck before the janitor deletes it.",
    default: 900,
    most: 7 * DAY_S,
  },
  JANITOR_PROTECTED_SELECTORS: {
    meaning:
      "label selectors of what the janitor never touches, separated by semicolons: a=b;c in (x, y). An empty value is refused; a label that nothing has, e.g. r3a.dev/nothing, protects nothing.",
    default: PROTECTED_SELECTORS.join(";"),
  },
  JANITOR_FINISHED_AFTER_SECONDS: {
    meaning:
      "how long ago a Job must have ended for the janitor to delete it; the default is 35 days, longer than the period of any job.",
    default: 35 * DAY_S,
    most: 400 * DAY_S,
  },
  JANITOR_MAX_DELETES: {
    meaning: "if the janitor would delete more objects than this in one run, it deletes none.",
    default: 20,
    most: 10_000,
  },
  JANITOR_MAX_PERCENT: {
    meaning: `if the janitor would delete more than this percentage of the pods in its scope, it deletes none. Where at most ${FEW_PODS} pods would go, the percentage does not count.`,
    default: 50,
    most: 100,
  },
  JANITOR_MODE: {
    meaning: "scan: the janitor prints its plan; delete: it also carries the plan out.",
    default: "scan",
  },
  FRESHNESS_LIMITS: {
    meaning:
      "per interval the age of the newest close at which health warns and fails, in seconds. An interval that is left out has its default.",
    default: DEFAULT_FRESHNESS_LIMITS,
  },
  DB_SIZE_BUDGET_GB: {
    meaning: "size that the database may reach, in GB, for health and doctor. Default: not checked.",
    most: 1_000_000,
  },
  BINANCE_API_KEY: {
    meaning: "optional; public data needs no key, and the key is never sent.",
    isSecret: true,
  },
  BINANCE_API_SECRET: { meaning: "optional; as BINANCE_API_KEY.", isSecret: true },
  ...STORE_VARIABLES,
  ...OBJECT_VARIABLES,
  ...RESTORE_VARIABLES,
  R3A_RUN_ID: {
    meaning:
      "UUID of the run, to tie it to an outer log; one that the ledger has already is refused. Default: a new one.",
  },
  R3A_RUN_ORIGIN: {
    meaning:
      "name of the job that starts the run, e.g. sync-1m; the ledger keeps it. The jobs set it. Default: none, the run was started by hand.",
  },
  R3A_SHARDS: {
    meaning:
      "number of pods that share the work of one Job (an Indexed Job of Kubernetes); with JOB_COMPLETION_INDEX the default of --shard.",
    default: 1,
    most: 9_999,
  },
  R3A_HEARTBEAT_FILE: {
    meaning:
      "file that `sync --every` touches at its start and after each cycle that ended; the liveness probe of the Deployment reads its age. Default: none.",
  },
  R3A_HEARTBEAT_MAX_AGE: {
    meaning:
      "age of that file, in seconds, above which the probe calls the process hung. The Deployment sets it.",
  },
  JOB_COMPLETION_INDEX: { meaning: "set by Kubernetes in the pods of an Indexed Job.", default: 0 },
  LOG_LEVEL: {
    meaning: `the lowest level that is logged: ${LOG_LEVELS.slice(0, -1).join(", ")} or ${LOG_LEVELS.at(-1)}.`,
    default: "info",
  },
  NO_COLOR: { meaning: "any value: no colour on a terminal." },
} as const satisfies Readonly<Record<string, Variable>>;
export type EnvironmentName = keyof typeof ENVIRONMENT;

/** The variables that hold secrets. */
export const SECRET_NAMES: readonly string[] = Object.entries<Variable>(ENVIRONMENT)
  .filter(([, { isSecret }]) => isSecret)
  .map(([name]) => name);

/** Which job started a run: infra sets the variable in each job's pod, the runner writes its value into the ledger. */
export const RUN_ORIGIN = "R3A_RUN_ORIGIN" satisfies EnvironmentName;
