/** The words that infra and runner share: command names, environment names, exit codes, ports. Imports nothing. */

/** Commands with a schedule or a person behind them; each is `npm run runner -- COMMAND` and the image's arguments. */
export const COMMANDS = [
  "sync",
  "backfill",
  "plan",
  "verify",
  "gaps",
  "candles",
  "migrate",
  "migrate-layout",
  "wait-db",
  "maint",
  "refresh-lastts",
  "vacuum",
  "janitor",
  "health",
  "doctor",
] as const;
export type CommandName = (typeof COMMANDS)[number];

/** The roles of the database, from all rights to the fewest; docs/database.md has them as SQL. */
export const ROLES = ["owner", "writer", "reader"] as const;
export type Role = (typeof ROLES)[number];

/** The role with the least rights that each command can work with; null: it does not ask the database. */
export const ROLE_OF: Readonly<Record<CommandName, Role | null>> = {
  sync: "writer",
  backfill: "writer",
  // its questions to the exchange take weight from the budget of all
  plan: "writer",
  verify: "writer",
  gaps: "writer",
  candles: "reader",
  migrate: "owner",
  "migrate-layout": "owner",
  "wait-db": "reader",
  maint: "owner",
  "refresh-lastts": "writer",
  vacuum: "owner",
  janitor: null,
  // without the right to write it leaves no row in the ledger, and says so
  health: "reader",
  doctor: "reader",
};

/** The closed set of candle widths, fine to coarse. Case matters: `1M` would be a month. */
export const INTERVALS = ["1m", "15m", "1h", "4h", "1d"] as const;
export type Interval = (typeof INTERVALS)[number];

/** What a process says when it ends; infra writes podFailurePolicy from these. */
export const EXIT = {
  /** Done, or nothing to do, or another holder is at work. */
  done: 0,
  /** At least one series or step failed. */
  failed: 1,
  /** A brake stopped it: a person must look. */
  brake: 3,
  usage: 64,
  /** Database unreachable, exchange bans or holds us: try again later. */
  tryAgain: 75,
  /** Wrong settings, all listed together; also a refused region and a database of another exchange. */
  settings: 78,
  /** Its own deadline passed; the work done so far is stored. */
  deadline: 124,
  /** SIGTERM with work left. */
  terminated: 143,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/**
 * The farthest that a time of the exchange may lie ahead (ms): its clock and the budget's minute before the other clocks,
 * a hold after 429, 403 or 503, a ban after 418 (Binance's longest one is three days). What is further is brought here.
 */
export const FARTHEST_MS = { clock: 120_000, hold: 3_600_000, ban: 3 * 86_400_000 } as const;

/** The label that every object of the suite carries, CronJobs, their Jobs and their pods too. */
export const PART_OF = { label: "app.kubernetes.io/part-of", suite: "r3a" } as const;
/** `app.kubernetes.io/managed-by` of the same. */
export const MANAGER = "r3a-infra";

/** Names of the suite's CronJobs, also in the old charts, whose objects lack the label. */
export const CRON_JOBS = [
  "r3a-sync-1m-top",
  "r3a-sync-1m",
  "r3a-sync-15m",
  "r3a-sync-1h",
  "r3a-sync-4h",
  "r3a-sync-1d",
  "r3a-maint",
  "r3a-maint-janitor",
  "r3a-maint-refresh-lastts",
  "r3a-maint-vacuum-hot",
  "r3a-gaps",
  "r3a-verify",
  "r3a-health",
] as const;

/** What the janitor acts on: objects of the suite alone, or all of the namespace that nobody else looks after. */
export const JANITOR_SCOPES = ["ours", "namespace"] as const;
export type JanitorScope = (typeof JANITOR_SCOPES)[number];

/** Namespaces of Kubernetes itself; the janitor refuses them in every mode. */
export const SYSTEM_NAMESPACE = /^kube-/;

/** What the janitor never touches unless an environment says otherwise: databases and an ingress that share a namespace. */
export const PROTECTED_SELECTORS = [
  "app.kubernetes.io/name=postgres",
  "app.kubernetes.io/name in (postgresql, postgresql-ha, pgpool, pgbouncer, patroni, timescaledb, cloudnative-pg)",
  "app.kubernetes.io/name in (mysql, mariadb, mariadb-galera, mongodb, redis, redis-cluster, valkey, clickhouse)",
  "app.kubernetes.io/component in (database, postgres, postgresql)",
  "app in (postgres, postgresql, postgresql-ha, timescaledb)",
  "name in (postgres, postgresql)",
  "application in (patroni, spilo)",
  "cnpg.io/cluster",
  "cnpg.io/poolerName",
  "postgres-operator.crunchydata.com/cluster",
  "stackgres.io/cluster-name",
  "app.kubernetes.io/instance=ingress-nginx",
] as const;

/** The janitor's numbers: what they are unless set, and the most that they may be; all are 1 at least. */
export const JANITOR_NUMBERS = {
  /** How long an object must be stuck. */
  deleteAfterS: { usual: 900, most: 7 * 86_400 },
  /** Longer than any schedule of ours: a Job that ended before it tells nobody anything. */
  finishedAfterS: { usual: 35 * 86_400, most: 400 * 86_400 },
  /** The brake: objects of one run, and the share of the pods in the scope in percent. */
  maxDeletes: { usual: 20, most: 10_000 },
  maxPercent: { usual: 50, most: 100 },
} as const;

/** The Role and the RoleBinding of the janitor's account; its CronJob has the same name. */
export const JANITOR_ROLE = "r3a-maint-janitor";

/** One verb on one kind of object in a namespace; `group` empty for the core API. */
export type ClusterRight = {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
};

/**
 * All that the janitor asks of the API server: its Role is made from this table, and the program asks before its work
 * whether it may do each. `look` in both modes, the others to delete. Without `mark` the Job of a stuck pod is deleted
 * instead of failed, and with the Job the record of why it failed.
 */
export const JANITOR_RIGHTS = {
  look: [
    { verb: "list", group: "", resource: "pods" },
    { verb: "list", group: "batch", resource: "jobs" },
    { verb: "list", group: "batch", resource: "cronjobs" },
  ],
  delete: [
    { verb: "delete", group: "", resource: "pods" },
    { verb: "delete", group: "batch", resource: "jobs" },
    { verb: "create", group: "", resource: "events" },
  ],
  mark: [{ verb: "patch", group: "", resource: "pods", subresource: "status" }],
} as const satisfies Readonly<Record<string, readonly ClusterRight[]>>;

/** One lone stuck pod is all of its namespace: as a share it would set the brake in every run and never go. */
export const FEW_PODS = 3;

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

/** The probe in the image (runner/src/alive.ts): 1 where the heartbeat file is older than R3A_HEARTBEAT_MAX_AGE. */
export const ALIVE = ["/usr/bin/node", "/app/alive.js"] as const;
