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
  "wait-db",
] as const;
export type CommandName = (typeof COMMANDS)[number];

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

/** Every environment variable that the runner reads. Flags win over these, these over defaults. */
export const ENVIRONMENT = [
  "DB_URL",
  "BINANCE_API_KEY",
  "BINANCE_API_SECRET",
  "AUTO_PERIOD",
  "SYNC_INTERVALS",
  "FALLBACK_START",
  "EXCHANGE_URL",
  "SYMBOLS",
  "UNIVERSE_SIZE",
  "WEIGHT_LIMIT",
  "EGRESS_KEY",
  "JOB_COMPLETION_INDEX",
  "R3A_SHARDS",
  "R3A_RUN_ID",
  "LOG_LEVEL",
  "NO_COLOR",
] as const;
export type EnvironmentName = (typeof ENVIRONMENT)[number];
