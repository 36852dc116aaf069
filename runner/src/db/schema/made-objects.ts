/** What each migration makes, one line an object; a test writes it (test/db/made-objects.test.ts). */
export const MADE_OBJECTS = `
000001_advisory_locks r r3a.migration: id integer; name character varying(255); run_on timestamp without time zone
000002_candle_tables r r3a.candle_revision: id bigint; coin_id integer; interval text; timestamp timestamp with time zone; old_values jsonb; new_values jsonb; old_source text; new_source text; run_id uuid; seen_at timestamp with time zone
000002_candle_tables r r3a.coin: id integer; symbol text; base text; quote text; status text; first_candle timestamp with time zone; closed_at timestamp with time zone; aliases text[]; quote_volume numeric; volume_rank integer; ranked_at timestamp with time zone; checked_at timestamp with time zone; first_evidence jsonb
000002_candle_tables r r3a.exchange_source: address text; exchange text; first_seen timestamp with time zone; compared_at timestamp with time zone; compared integer; equal integer; accepted_reason text; run_id uuid
000002_candle_tables p r3a.ohlcv_15m: coin_id integer; interval text; timestamp timestamp with time zone; open numeric; high numeric; low numeric; close numeric; volume numeric; quote_volume numeric; trades bigint; taker_base numeric; taker_quote numeric; close_time timestamp with time zone; source text; flags smallint
000002_candle_tables p r3a.ohlcv_1h: coin_id integer; interval text; timestamp timestamp with time zone; open numeric; high numeric; low numeric; close numeric; volume numeric; quote_volume numeric; trades bigint; taker_base numeric; taker_quote numeric; close_time timestamp with time zone; source text; flags smallint
000002_candle_tables p r3a.ohlcv_1m: coin_id integer; interval text; timestamp timestamp with time zone; open numeric; high numeric; low numeric; close numeric; volume numeric; quote_volume numeric; trades bigint; taker_base numeric; taker_quote numeric; close_time timestamp with time zone; source text; flags smallint
000002_candle_tables p r3a.ohlcv_partitioned: coin_id integer; interval text; timestamp timestamp with time zone; open numeric; high numeric; low numeric; close numeric; volume numeric; quote_volume numeric; trades bigint; taker_base numeric; taker_quote numeric; close_time timestamp with time zone; source text; flags smallint
000002_candle_tables p r3a.ohlcv_slow: coin_id integer; interval text; timestamp timestamp with time zone; open numeric; high numeric; low numeric; close numeric; volume numeric; quote_volume numeric; trades bigint; taker_base numeric; taker_quote numeric; close_time timestamp with time zone; source text; flags smallint
000002_candle_tables r r3a.origin: only_row boolean; exchange text
000002_candle_tables r r3a.series: coin_id integer; interval text; covered_from timestamp with time zone; covered_to timestamp with time zone
000002_candle_tables r r3a.universe_member: size integer; coin_id integer; entered_at timestamp with time zone; beyond_since timestamp with time zone
000002_candle_tables r r3a_util.last_ts_by_coin_interval: coin_id integer; interval text; last_ts timestamp with time zone
000003_leaves v r3a_util.candle_table: oid oid; parent oid; level integer; from_ts timestamp with time zone; nspname name; relname name; name text; reloptions text[]; phase text
000004_gaps r r3a.gap_count: coin_id integer; interval text; open bigint
000004_gaps r r3a.ohlcv_gap_log: id uuid; coin_id integer; interval text; from_ts timestamp with time zone; to_ts timestamp with time zone; state text; reason text; evidence jsonb; attempts integer; created_at timestamp with time zone; updated_at timestamp with time zone; next_check_at timestamp with time zone; run_id uuid
000005_run_ledger r r3a.job_counter: command text; outcome text; n bigint
000005_run_ledger r r3a.run: run_id uuid; command text; arguments text; started_at timestamp with time zone; heartbeat_at timestamp with time zone; finished_at timestamp with time zone; outcome text; exit_code integer; deadline_s integer; host text; pid integer; version text; symbols_expected integer; symbols_ok integer; rows_written bigint; rate_limit_hits integer; error_summary text; origin text
000005_run_ledger r r3a.run_item: run_id uuid; coin_id integer; interval text; outcome text; pages integer; added bigint; repaired bigint; revised bigint; gaps integer; last_close timestamp with time zone; ms integer; error text
000006_request_budget r r3a.api_budget: egress_key text; minute timestamp with time zone; used integer; used_late integer; hold_until timestamp with time zone; firewall_until timestamp with time zone; firewall_s integer; banned_until timestamp with time zone
000007_lock_holders v r3a_util.lock_holder: scope text; key text; pid integer; granted boolean; application_name text; client_addr inet; state text; backend_start timestamp with time zone; query text
000008_maint_ledger v r3a_util.maint_attempt: object text; attempts integer
000008_maint_ledger r r3a_util.maint_op: id bigint; at timestamp with time zone; run_id uuid; op text; object text; attempt integer; outcome text; sqlstate text; ms integer; error text
000009_wanted_indexes v r3a_util.candle_index: indrelid oid; indexrelid oid; relname name; indisvalid boolean; is_constraint boolean; reloptions text[]; upper oid; kind text
000011_health_results r r3a.health_result: run_id uuid; check_name text; component text; checked_at timestamp with time zone; status text; observed double precision; unit text; criteria jsonb; output text; names text[]
000014_candle_view v r3a.candle: symbol text; interval text; ts timestamp with time zone; open numeric; high numeric; low numeric; close numeric; volume numeric; close_time timestamp with time zone; quote_volume numeric; trades bigint; taker_base numeric; taker_quote numeric; source text; flags smallint; coin_id integer
000016_backup_ledger r r3a.backup: id bigint; run_id uuid; kind text; begun_at timestamp with time zone; snapshot_at timestamp with time zone; finished_at timestamp with time zone; snapshot_xmin bigint; next_xid bigint; system_identifier text; timeline integer; server_version integer; is_whole boolean; outcome text; tiers text[]; manifests jsonb; rows bigint; bytes bigint; error text
000016_backup_ledger r r3a.backup_copy: key text; tier text; verified_at timestamp with time zone
000016_backup_ledger r r3a.backup_doubt: leaf text; coin_id integer; interval text; timestamp timestamp with time zone; hash numeric(20,0); backup_id bigint
000016_backup_ledger r r3a.backup_gap_series: coin_id integer; interval text; rows bigint; hash numeric(20,0); backup_id bigint
000016_backup_ledger r r3a.backup_leaf: leaf text; changes bigint; counted_as text; backup_id bigint
000016_backup_ledger r r3a.backup_object: key text; backup_id bigint; attempt text; rows bigint; bytes bigint; sha256 text; plain_bytes bigint; plain_sha256 text
000016_backup_ledger r r3a.backup_part: leaf text; coin_id integer; interval text; rows bigint; hash numeric(20,0); null_rows bigint; null_hash numeric(20,0); slots bytea; first_ts timestamp with time zone; last_ts timestamp with time zone; as_of bigint; base_key text; base_hash numeric(20,0); base_backup bigint; hash_form smallint; server_version integer
000016_backup_ledger r r3a.backup_suspect: id bigint; leaf text; coin_id integer; interval text; at timestamp with time zone; kind text; hash numeric(20,0); found_by bigint; found_at timestamp with time zone; state text; reason text; accepted_run uuid; closed_at timestamp with time zone
000016_backup_ledger r r3a.backup_use: backup_id bigint; key text; kind text; leaf text; table_name text; mode text; columns text[]; first_ts timestamp with time zone; last_ts timestamp with time zone
000017_drill r r3a.drill: run_id uuid; tier text; begun_at timestamp with time zone; finished_at timestamp with time zone; manifest text; snapshot_at timestamp with time zone; verdict text; rto_s bigint; whole_s bigint; rpo_s bigint; leaves integer; tables integer; rows bigint; golden integer; damaged text; faults text[]
000018_sealed_leaves r r3a.leaf_damage: id bigint; leaf text; detector text; detail text; found_at timestamp with time zone; last_seen_at timestamp with time zone; found_run uuid; state text; closed_at timestamp with time zone; closed_run uuid
000018_sealed_leaves r r3a.leaf_reopening: leaf text; coin_id integer; interval text; from_ts timestamp with time zone; to_ts timestamp with time zone; reopened_at timestamp with time zone
000018_sealed_leaves r r3a.leaf_state: leaf text; state text; token bigint; run_id uuid; changed_at timestamp with time zone; sealed_at timestamp with time zone; sealed_pages bigint; note text
000018_sealed_leaves r r3a.quarantine: table_name text; leaf text; why text; run_id uuid; moved_at timestamp with time zone; rows bigint; bytes bigint
000018_sealed_leaves r r3a.recovery_hold: only_row boolean; reason text; held_at timestamp with time zone; held_by text
000004_gaps f r3a.count_gaps()
000001_advisory_locks f r3a_util.acquire_lock(_scope text, _key text)
000010_index_plan f r3a_util.generate_index_sql(_pages_per_range integer, _fillfactor integer)
000010_index_plan f r3a_util.generate_index_sql_limited(_pages_per_range integer, _fillfactor integer, _max_ops integer)
000009_wanted_indexes f r3a_util.index_names(leaf regclass, OUT btree_name text, OUT brin_ts_name text)
000003_leaves f r3a_util.leaf_partitions()
000001_advisory_locks f r3a_util.lock_key(_scope text, _key text)
000010_index_plan f r3a_util.maint_index_plan(_pages_per_range integer, _fillfactor integer, _only regclass)
000003_leaves f r3a_util.make_leaf(_parent text, _from timestamp with time zone, _storage jsonb)
000018_sealed_leaves f r3a_util.refuse_sealed()
000001_advisory_locks f r3a_util.release_lock(_scope text, _key text)
000018_sealed_leaves f r3a_util.reopen_leaf(_leaf text, _coins integer[], _intervals text[], _from timestamp with time zone[], _to timestamp with time zone[])
000009_wanted_indexes f r3a_util.wanted_index(_only regclass)
`;
