import { FEW_PODS, JANITOR_NUMBERS, PROTECTED_SELECTORS } from "./janitor.ts";

/** Every environment variable that the runner reads, with what it means. Flags win over these, these over defaults. */
export const ENVIRONMENT = {
  DB_URL:
    "postgresql://user:password@host:5432/database; postgresql+psycopg2:// works too. TLS, verified, to any host but this machine unless sslmode says otherwise: docs/database.md. Secret.",
  AUTO_PERIOD:
    "true: sync goes on behind the newest candle; false: asks for all since FALLBACK_START. Default true.",
  SYNC_INTERVALS: "intervals that sync works on; any other one ends with 0 at once. Default 1m,15m,1h,4h,1d.",
  FALLBACK_START: "where a new series starts, YYYY-MM-DD or ISO 8601 in UTC. Default 2020-01-01.",
  EXCHANGE_URL:
    "base of the exchange's REST API: a mirror or the simulated exchange. Default https://api.binance.com.",
  SYMBOLS: "symbols instead of the largest by volume, separated by commas.",
  UNIVERSE_SIZE: "how many of the largest USDT symbols by quote volume. Default 60.",
  WEIGHT_LIMIT:
    "share of the exchange's 6,000 weight a minute; backfill and repair take at most 0.6. Default 0.8.",
  EGRESS_KEY: "jobs behind one address share this key and so one budget. Default: default.",
  MAINT_MAX_OPS: "how many operations one maint run does at most. Default 300.",
  REFRESH_LOOKBACK: "how far back from now refresh-lastts looks first, e.g. 3 days. Default 3 days.",
  VACUUM_ANALYZE_ONLY: "true: vacuum only analyses; false: it also vacuums. Default true.",
  JANITOR_NAMESPACE: "namespace that the janitor cleans; kube-* is refused. Default: its own.",
  JANITOR_SCOPE:
    "ours: the janitor acts on what carries app.kubernetes.io/part-of=r3a or was made by a CronJob of the suite; namespace: on all of the namespace. What an operator, Helm or a GitOps controller looks after stays in both. Default ours.",
  JANITOR_DELETE_AFTER_SECONDS: `how long a pod must be stuck before the janitor deletes it. Default ${JANITOR_NUMBERS.deleteAfterS.usual}.`,
  JANITOR_PROTECTED_SELECTORS: `label selectors of what the janitor never touches, separated by semicolons: a=b;c in (x, y). Set but blank is a fault; a label that nothing has, e.g. r3a.dev/nothing, protects nothing. Default ${PROTECTED_SELECTORS.join(";")}.`,
  JANITOR_FINISHED_AFTER_SECONDS: `how long ago a Job must have ended for the janitor to delete it. Default ${JANITOR_NUMBERS.finishedAfterS.usual}, 35 days.`,
  JANITOR_MAX_DELETES: `if the janitor would delete more objects at once it deletes none. Default ${JANITOR_NUMBERS.maxDeletes.usual}.`,
  JANITOR_MAX_PERCENT: `the same, in percent of the pods in its scope; it counts where more than ${FEW_PODS} pods would go. Default ${JANITOR_NUMBERS.maxPercent.usual}.`,
  JANITOR_MODE: "scan: print the plan; delete: do it. Default scan.",
  FRESHNESS_LIMITS:
    "per interval the age of the newest close at which health warns and fails, in seconds: 1m=240/600,15m=2100/3600.",
  DB_SIZE_BUDGET_GB: "size that the database may reach, in GB, for health and doctor. Default: not checked.",
  BINANCE_API_KEY: "optional; public data needs none and it is never sent. Secret.",
  BINANCE_API_SECRET: "optional, as above. Secret.",
  R3A_RUN_ID:
    "UUID of the run, to tie it to an outer log; one that the ledger has already is refused. Default: a new one.",
  R3A_RUN_ORIGIN:
    "name of the job that starts the run, e.g. sync-1m; the ledger keeps it. The jobs set it. Default: none, the run was started by hand.",
  R3A_SHARDS: "number of pods of an Indexed Job; with JOB_COMPLETION_INDEX the default of --shard.",
  R3A_HEARTBEAT_FILE:
    "file that `sync --every` touches at its start and after each cycle that ended; the liveness probe of the Deployment reads its age. Default: none.",
  R3A_HEARTBEAT_MAX_AGE:
    "age in seconds at which the probe takes the process for hung. Set by the Deployment.",
  JOB_COMPLETION_INDEX: "set by Kubernetes in the pods of an Indexed Job.",
  LOG_LEVEL: "fatal, error, warn, info, debug, trace or silent. Default info.",
  NO_COLOR: "any value: no colour on a terminal.",
} as const;
export type EnvironmentName = keyof typeof ENVIRONMENT;

/** The two that the runner, the probe and the Deployment must name alike. */
export const HEARTBEAT_FILE = "R3A_HEARTBEAT_FILE" satisfies EnvironmentName;

export const HEARTBEAT_MAX_AGE = "R3A_HEARTBEAT_MAX_AGE" satisfies EnvironmentName;

/** Which job started a run: infra sets it in each job's pod, the runner writes it into the ledger. */
export const RUN_ORIGIN = "R3A_RUN_ORIGIN" satisfies EnvironmentName;
