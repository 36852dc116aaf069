/**
 * How a table is exported. `whole`: all rows each time. `rows`: those that changed, to be applied by their key. `series`: all
 * rows of each series in which one changed; they replace the series, so a row that was deleted is gone.
 */
export type ExportMode = "whole" | "rows" | "series";

/** `when`: each delta, or the daily backup alone. `key` is unique, and the order of the rows. Names with schema. */
export type ExportedTable = {
  readonly name: string;
  readonly when: "delta" | "daily";
  readonly mode: ExportMode;
  readonly key: readonly string[];
  readonly columns: readonly string[];
};

const words = (text: string): readonly string[] => text.split(" ");

const table = (
  [when, mode]: readonly ["delta" | "daily", ExportMode],
  name: string,
  { key, columns }: { readonly key: string; readonly columns: string },
): ExportedTable => ({ name, when, mode, key: words(key), columns: words(columns) });

/** Every table but those of candles, in the order in which they can be loaded. A test holds it against the schema. */
export const EXPORTED_TABLES: readonly ExportedTable[] = [
  table(["delta", "whole"], "r3a.origin", { key: "only_row", columns: "only_row exchange" }),
  table(["delta", "whole"], "r3a.exchange_source", {
    key: "address",
    columns: "address exchange first_seen compared_at compared equal accepted_reason run_id",
  }),
  table(["delta", "whole"], "r3a.coin", {
    key: "id",
    columns:
      "id symbol base quote status first_candle closed_at aliases quote_volume volume_rank ranked_at checked_at first_evidence",
  }),
  table(["delta", "whole"], "r3a.series", {
    key: "coin_id interval",
    columns: "coin_id interval covered_from covered_to",
  }),
  table(["delta", "whole"], "r3a_util.last_ts_by_coin_interval", {
    key: "coin_id interval",
    columns: "coin_id interval last_ts",
  }),
  table(["delta", "series"], "r3a.ohlcv_gap_log", {
    key: "coin_id interval from_ts id",
    columns:
      "id coin_id interval from_ts to_ts state reason evidence attempts created_at updated_at next_check_at run_id",
  }),
  table(["delta", "rows"], "r3a.candle_revision", {
    key: "id",
    columns: "id coin_id interval timestamp old_values new_values old_source new_source run_id seen_at",
  }),
  // a ban of the exchange outlives the database
  table(["delta", "whole"], "r3a.api_budget", {
    key: "egress_key",
    columns: "egress_key minute used used_late hold_until firewall_until firewall_s banned_until",
  }),
  table(["delta", "rows"], "r3a.backup", {
    key: "id",
    columns:
      "id run_id kind begun_at snapshot_at finished_at snapshot_xmin next_xid system_identifier timeline server_version is_whole outcome tiers manifests rows bytes error",
  }),
  table(["delta", "rows"], "r3a.backup_object", {
    key: "key",
    columns: "key backup_id attempt rows bytes sha256 plain_bytes plain_sha256",
  }),
  table(["delta", "rows"], "r3a.backup_use", {
    key: "backup_id key leaf table_name",
    columns: "backup_id key kind leaf table_name mode columns first_ts last_ts",
  }),
  table(["delta", "rows"], "r3a.backup_copy", { key: "key tier", columns: "key tier verified_at" }),
  table(["delta", "rows"], "r3a.backup_suspect", {
    key: "id",
    columns: "id leaf coin_id interval at kind hash found_by found_at state reason accepted_run closed_at",
  }),
  table(["delta", "whole"], "r3a.backup_gap_series", {
    key: "coin_id interval",
    columns: "coin_id interval rows hash backup_id",
  }),
  table(["daily", "whole"], "r3a.universe_member", {
    key: "size coin_id",
    columns: "size coin_id entered_at beyond_since",
  }),
  table(["daily", "rows"], "r3a.run", {
    key: "run_id",
    columns:
      "run_id command arguments started_at heartbeat_at finished_at outcome exit_code deadline_s host pid version symbols_expected symbols_ok rows_written rate_limit_hits error_summary origin",
  }),
  table(["daily", "whole"], "r3a.job_counter", { key: "command outcome", columns: "command outcome n" }),
  table(["daily", "rows"], "r3a.health_result", {
    key: "run_id check_name component",
    columns: "run_id check_name component checked_at status observed unit criteria output names",
  }),
  table(["daily", "rows"], "r3a.drill", {
    key: "run_id",
    columns:
      "run_id tier begun_at finished_at manifest snapshot_at verdict rto_s whole_s rpo_s leaves tables rows golden damaged faults",
  }),
  table(["daily", "rows"], "r3a_util.maint_op", {
    key: "id",
    columns: "id at run_id op object attempt outcome sqlstate ms error",
  }),
];

/** Tables that are not exported, each with the reason. Candle tables are exported by their leaves and parts. */
export const NOT_EXPORTED: Readonly<Record<string, string>> = {
  "r3a.migration": "the stored SQL of the schema writes it",
  "r3a.run_item": "what each run did to each series is by far the most rows, and nothing is rebuilt from it",
  "r3a.gap_count": "a trigger counts the gaps while they are loaded",
  "r3a.backup_part": "the leaf records of the manifest hold it",
  "r3a.backup_leaf": "the counters are those of this server alone",
  "r3a.backup_doubt": "the numbers of transactions are those of this server alone",
  "r3a.leaf_state":
    "it describes the tables of this database: restored leaves have no guard and are sealed anew",
  "r3a.leaf_reopening": "it belongs to the guards of this database, and restored leaves have none",
  "r3a.leaf_damage": "it describes the files of this database: restored leaves are looked at anew",
  "r3a.recovery_hold": "a person held the recovery of this database, and decides anew for another one",
  "r3a.quarantine": "the tables that it names are not in a backup",
};
