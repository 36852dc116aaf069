/** The metrics of R3A and what each says; all are gauges. Alerts, panels and pages name them as they stand here. */
export const METRICS = {
  ohlcv_db_up: "Whether the database answered.",
  ohlcv_health_check_ok: "Whether the check passed or only warned; 0 also where it could not be measured.",
  ohlcv_health_check_timestamp_seconds: "When health was measured.",
  ohlcv_last_candle_timestamp_seconds: "Close time of the newest closed candle over all active symbols.",
  ohlcv_freshness_limit_seconds: "Age of the newest close at which the interval warns and fails.",
  ohlcv_symbols_succeeded: "Symbols whose own newest close is fresh enough.",
  ohlcv_symbols_expected: "Symbols that have to be fresh.",
  ohlcv_db_integrity_ok: "Whether this part of the light integrity check found no fault.",
  ohlcv_db_integrity_last_check_timestamp_seconds: "When the light integrity check was last measured.",
  ohlcv_gaps: "Gaps of the log that are open, and that nobody asked for yet.",
  ohlcv_db_size_bytes: "Size of the database.",
  ohlcv_db_size_limit_bytes: "Sizes of the database at which health warns and fails.",
  ohlcv_db_records: "Stored candles by the statistics of the server.",
  ohlcv_last_sync_timestamp_seconds: "End of the last run of the job that ended well.",
  ohlcv_last_sync_limit_seconds: "Age of the last run that ended well at which the job fails.",
} as const;
export type MetricName = keyof typeof METRICS;
