-- What each table, column, view and function is, as psql shows it (\d+, \df+). `npm run docs` makes the dictionary of
-- docs/data.md from these statements, so each one has this form: one line, or the text on the next line. Leaves and list
-- partitions have the columns of r3a.ohlcv_partitioned. A later file that adds a column or view describes it too; a test
-- finds what has no description. Schemas have none: a schema may belong to an administrator, and only its owner may.

select pg_catalog.pg_advisory_xact_lock(7020390112350);
set local search_path = pg_catalog, pg_temp;

comment on table r3a.ohlcv_partitioned is
  'The candles: one row for each symbol, interval and open time. Partitioned by interval, then by time; a query names coin_id, interval and a span of timestamp. The view r3a.candle shows the same rows with their symbol.';
comment on column r3a.ohlcv_partitioned.coin_id is 'The symbol: id in r3a.coin.';
comment on column r3a.ohlcv_partitioned."interval" is 'The width of the candle: 1m, 15m, 1h, 4h or 1d.';
comment on column r3a.ohlcv_partitioned."timestamp" is 'Open time of the candle (UTC): the start of its slot.';
comment on column r3a.ohlcv_partitioned.open is 'Price of the first trade, in the quote currency; exact, as the exchange sent it.';
comment on column r3a.ohlcv_partitioned.high is 'Highest price, in the quote currency.';
comment on column r3a.ohlcv_partitioned.low is 'Lowest price, in the quote currency.';
comment on column r3a.ohlcv_partitioned.close is 'Price of the last trade, in the quote currency. Only closed candles are stored, so the value is final.';
comment on column r3a.ohlcv_partitioned.volume is 'Amount traded, in the base currency.';
comment on column r3a.ohlcv_partitioned.quote_volume is 'Amount traded, in the quote currency. Null in candles of the old layout that had no such value.';
comment on column r3a.ohlcv_partitioned.trades is 'Number of trades. Null as quote_volume.';
comment on column r3a.ohlcv_partitioned.taker_base is 'The part of volume that takers bought, in the base currency. Null as quote_volume.';
comment on column r3a.ohlcv_partitioned.taker_quote is 'The part of quote_volume that takers bought, in the quote currency. Null as quote_volume.';
comment on column r3a.ohlcv_partitioned.close_time is 'Last millisecond of the candle (UTC), as the exchange sent it. Null as quote_volume.';
comment on column r3a.ohlcv_partitioned.source is 'Where the candle comes from: rest (the REST API) or legacy (the old layout).';
comment on column r3a.ohlcv_partitioned.flags is 'Bits, null for none. 1: the open time is not the start of a slot, as in some candles of 2017 and 2018.';

comment on table r3a.ohlcv_1m is 'Partition of r3a.ohlcv_partitioned: the interval 1m, with a leaf for each month.';
comment on table r3a.ohlcv_15m is 'Partition of r3a.ohlcv_partitioned: the interval 15m, with a leaf for each quarter.';
comment on table r3a.ohlcv_1h is 'Partition of r3a.ohlcv_partitioned: the interval 1h, with a leaf for each year.';
comment on table r3a.ohlcv_slow is 'Partition of r3a.ohlcv_partitioned: the intervals 4h and 1d, with a leaf for each year.';

comment on table r3a.coin is 'The symbols: one row for each market of the exchange that R3A has met.';
comment on column r3a.coin.id is 'Number of the symbol; the other tables call it coin_id.';
comment on column r3a.coin.symbol is 'The name that the exchange has for the market, such as BTCUSDT. Unique.';
comment on column r3a.coin.base is 'The currency that is traded, such as BTC.';
comment on column r3a.coin.quote is 'The currency of the prices, such as USDT.';
comment on column r3a.coin.status is 'Status in the word of the exchange; every word but TRADING means that the symbol is not traded now.';
comment on column r3a.coin.first_candle is 'Open time of the first candle that the exchange has (UTC). Null: not asked for yet, or there is none.';
comment on column r3a.coin.closed_at is 'When R3A first saw that the symbol is not traded any more (UTC). Null: it is traded.';
comment on column r3a.coin.aliases is 'Other names of the market; no command writes or reads them yet.';
comment on column r3a.coin.quote_volume is 'Volume of 24 hours at the last ranking, in the quote currency.';
comment on column r3a.coin.volume_rank is 'Place in the last ranking by volume, 1 for the largest. Null: not in the ranking.';
comment on column r3a.coin.ranked_at is 'When the symbol was last ranked (UTC).';
comment on column r3a.coin.checked_at is 'When the exchange last said what it knows of the symbol (UTC).';
comment on column r3a.coin.first_evidence is 'Why first_candle is believed: askedAt, since, exchange, refuted (times in milliseconds since 1970).';

comment on table r3a.series is
  'The series (one symbol in one interval) with the span that R3A covers. Each slot of the covered span is stored, or lies in a gap of r3a.ohlcv_gap_log that is not repaired.';
comment on column r3a.series.coin_id is 'The symbol: id in r3a.coin.';
comment on column r3a.series."interval" is 'The width of the candles: 1m, 15m, 1h, 4h or 1d.';
comment on column r3a.series.covered_from is 'Open time of the first covered slot (UTC). Null: nothing is covered.';
comment on column r3a.series.covered_to is 'End of the covered span (UTC): the first slot that is not covered any more. Null as covered_from.';

comment on table r3a.ohlcv_gap_log is 'The gaps: spans of slots that a series lacks, each with its state, its reason and the evidence.';
comment on column r3a.ohlcv_gap_log.id is 'Id of the gap.';
comment on column r3a.ohlcv_gap_log.coin_id is 'The symbol: id in r3a.coin.';
comment on column r3a.ohlcv_gap_log."interval" is 'The width of the missing candles: 1m, 15m, 1h, 4h or 1d.';
comment on column r3a.ohlcv_gap_log.from_ts is 'Open time of the first missing candle (UTC).';
comment on column r3a.ohlcv_gap_log.to_ts is 'End of the gap (UTC): the first slot after it.';
comment on column r3a.ohlcv_gap_log.state is
  'open: nothing explains yet why the candles are missing. confirmed_absent: two answers at least an hour apart were without them. before_listing: before the first candle of the symbol. after_delisting: after its last. repaired: the candles are stored now, and the row is history.';
comment on column r3a.ohlcv_gap_log.reason is
  'absent: the exchange answered without the candles. failed: there was no usable answer. invalid: a row came that must not be stored. not_requested: nobody has asked for the span yet.';
comment on column r3a.ohlcv_gap_log.evidence is 'What is known of the gap, such as error, raw, absentSince, before, after (times in milliseconds since 1970).';
comment on column r3a.ohlcv_gap_log.attempts is 'Number of answers so far that were without the candles.';
comment on column r3a.ohlcv_gap_log.created_at is 'When the gap was logged (UTC).';
comment on column r3a.ohlcv_gap_log.updated_at is 'When the row last changed (UTC).';
comment on column r3a.ohlcv_gap_log.next_check_at is 'When a run asks the exchange again (UTC). Null: no run asks.';
comment on column r3a.ohlcv_gap_log.run_id is 'The run that last changed the row: run_id in r3a.run.';

comment on table r3a.gap_count is 'The number of open gaps of each series; a trigger of r3a.ohlcv_gap_log keeps it up to date.';
comment on column r3a.gap_count.coin_id is 'The symbol: id in r3a.coin.';
comment on column r3a.gap_count."interval" is 'The width of the candles: 1m, 15m, 1h, 4h or 1d.';
comment on column r3a.gap_count.open is 'Number of open gaps; a gap in a span that nobody asked for does not count.';

comment on table r3a.candle_revision is 'The revisions: one row for each closed candle that changed after it was stored.';
comment on column r3a.candle_revision.id is 'Number of the revision, in the order of their discovery.';
comment on column r3a.candle_revision.coin_id is 'The symbol: id in r3a.coin.';
comment on column r3a.candle_revision."interval" is 'The width of the candle: 1m, 15m, 1h, 4h or 1d.';
comment on column r3a.candle_revision."timestamp" is 'Open time of the candle (UTC).';
comment on column r3a.candle_revision.old_values is 'The values that were stored before, by the column names of r3a.ohlcv_partitioned.';
comment on column r3a.candle_revision.new_values is 'The values that came after; those of the candle as it is stored now, unless a later revision follows.';
comment on column r3a.candle_revision.old_source is 'Where the old values came from: rest or legacy.';
comment on column r3a.candle_revision.new_source is 'Where the new values came from: rest or legacy.';
comment on column r3a.candle_revision.run_id is 'The run that saw the change: run_id in r3a.run.';
comment on column r3a.candle_revision.seen_at is 'When the change was seen (UTC).';

comment on table r3a.run is 'The ledger of runs: one row for each execution of a command. maint deletes rows after 400 days.';
comment on column r3a.run.run_id is 'Id of the run (UUID version 7: ordered by time).';
comment on column r3a.run.command is 'The command, such as sync.';
comment on column r3a.run.arguments is 'Its arguments for a shell: the command and these words repeat the run under the same settings.';
comment on column r3a.run.started_at is 'When the run began (UTC).';
comment on column r3a.run.heartbeat_at is 'When the process last said that it works (UTC); every 15 s while it runs.';
comment on column r3a.run.finished_at is 'When the run ended (UTC). Null: it runs, or its process is gone.';
comment on column r3a.run.outcome is 'How the run ended: success, partial (some series failed), failure, timeout, aborted; running until then.';
comment on column r3a.run.exit_code is 'Exit code of the process; docs/commands.md has the meanings. Null: running or gone.';
comment on column r3a.run.deadline_s is 'Deadline of the run, in seconds. Null: none.';
comment on column r3a.run.host is 'Name of the machine or pod.';
comment on column r3a.run.pid is 'Number of the process on that machine.';
comment on column r3a.run.version is 'Version of the program.';
comment on column r3a.run.symbols_expected is 'Number of series that the run worked on.';
comment on column r3a.run.symbols_ok is 'Number of those series that succeeded or were skipped because another run had them.';
comment on column r3a.run.rows_written is 'Number of candles that the run added, repaired or revised.';
comment on column r3a.run.rate_limit_hits is 'Number of answers that asked for fewer requests (429, 418, 403).';
comment on column r3a.run.error_summary is 'The error that ended the run, at most 500 letters, without secrets.';
comment on column r3a.run.origin is 'What started the run: the name of a job of the installation, such as sync-1m. Null: a person.';

comment on table r3a.run_item is 'What a run did to each series. maint deletes rows after 35 days.';
comment on column r3a.run_item.run_id is 'The run: run_id in r3a.run.';
comment on column r3a.run_item.coin_id is 'The symbol: id in r3a.coin.';
comment on column r3a.run_item."interval" is 'The width of the candles: 1m, 15m, 1h, 4h or 1d.';
comment on column r3a.run_item.outcome is 'success, partial, failure, or skipped (another run had the lock of the series).';
comment on column r3a.run_item.pages is 'Number of answers of the exchange.';
comment on column r3a.run_item.added is 'Number of new candles.';
comment on column r3a.run_item.repaired is 'Number of candles that filled a gap of the log.';
comment on column r3a.run_item.revised is 'Number of stored candles that changed.';
comment on column r3a.run_item.gaps is 'Number of open gaps of the series after the run.';
comment on column r3a.run_item.last_close is 'End of the newest candle of the series after the run (UTC).';
comment on column r3a.run_item.ms is 'Time that the series took, in milliseconds.';
comment on column r3a.run_item.error is 'Why the series failed. Null: it did not.';

comment on table r3a.job_counter is 'Number of runs by command and outcome since the database was made; it never goes down.';
comment on column r3a.job_counter.command is 'The command, such as sync.';
comment on column r3a.job_counter.outcome is 'How the runs ended, as in r3a.run.';
comment on column r3a.job_counter.n is 'Number of runs.';

comment on table r3a.health_result is 'The results of each run of health, one row for each check. They are deleted with their run.';
comment on column r3a.health_result.run_id is 'The run: run_id in r3a.run.';
comment on column r3a.health_result.check_name is 'Name of the check, such as freshness.';
comment on column r3a.health_result.component is 'The interval, part or job that was checked; empty if the check has none.';
comment on column r3a.health_result.checked_at is 'When it was checked (UTC).';
comment on column r3a.health_result.status is 'pass, warn, fail, error (could not be measured) or skip (not configured).';
comment on column r3a.health_result.observed is 'The number that was measured. Null: it could not be measured.';
comment on column r3a.health_result.unit is 'Unit of observed.';
comment on column r3a.health_result.criteria is 'The limits that observed was compared with, by name.';
comment on column r3a.health_result.output is 'The result as a sentence.';
comment on column r3a.health_result.names is 'What the result is about, such as the symbols that are late.';

comment on table r3a.universe_member is 'The universe: the symbols that belong to "the N largest by volume", for each N that a job uses.';
comment on column r3a.universe_member.size is 'N: how many of the largest symbols belong to this universe.';
comment on column r3a.universe_member.coin_id is 'The symbol: id in r3a.coin.';
comment on column r3a.universe_member.entered_at is 'When the symbol became a member (UTC).';
comment on column r3a.universe_member.beyond_since is 'Since when its rank is beyond 1.5 N (UTC); after a day there it leaves. Null: it is not.';

comment on table r3a.origin is 'The exchange that filled this database, in its only row; candles of another exchange are refused.';
comment on column r3a.origin.only_row is 'Always true: the key that allows one row.';
comment on column r3a.origin.exchange is 'binance, or simulated (the exchange for development).';

comment on table r3a.exchange_source is 'The addresses of the exchange, and how the candles of each compared with the stored ones.';
comment on column r3a.exchange_source.address is 'Host and path of EXCHANGE_URL.';
comment on column r3a.exchange_source.exchange is 'What answers there: binance or simulated.';
comment on column r3a.exchange_source.first_seen is 'When a run first used the address (UTC).';
comment on column r3a.exchange_source.compared_at is 'When its candles were compared (UTC). Null: the database had none to compare.';
comment on column r3a.exchange_source.compared is 'Number of candles that were compared.';
comment on column r3a.exchange_source.equal is 'Number of those that were equal.';
comment on column r3a.exchange_source.accepted_reason is 'The sentence of --accept-exchange. Null: nobody had to accept the address.';
comment on column r3a.exchange_source.run_id is 'The run that last compared or accepted the address: run_id in r3a.run.';

comment on table r3a.api_budget is 'The weight of requests that all processes with one EGRESS_KEY share.';
comment on column r3a.api_budget.egress_key is 'EGRESS_KEY: the name of the address that the processes send from.';
comment on column r3a.api_budget.minute is 'The minute that the count is of, by the clock of the exchange (UTC).';
comment on column r3a.api_budget.used is 'Weight granted in this minute.';
comment on column r3a.api_budget.used_late is 'The part of it that was granted near the end of the minute and may arrive in the next one.';
comment on column r3a.api_budget.hold_until is 'No process sends a request before this time, because of an answer 429 (UTC).';
comment on column r3a.api_budget.firewall_until is 'The same because of an answer 403 (UTC).';
comment on column r3a.api_budget.firewall_s is 'Length of the last hold because of 403, in seconds; it doubles each time.';
comment on column r3a.api_budget.banned_until is 'The same because of an answer 418 (UTC).';

comment on table r3a_util.last_ts_by_coin_interval is 'Open time of the newest stored candle of each series.';
comment on column r3a_util.last_ts_by_coin_interval.coin_id is 'The symbol: id in r3a.coin.';
comment on column r3a_util.last_ts_by_coin_interval."interval" is 'The width of the candles: 1m, 15m, 1h, 4h or 1d.';
comment on column r3a_util.last_ts_by_coin_interval.last_ts is 'Open time of the newest stored candle (UTC).';

comment on table r3a_util.maint_op is 'The ledger of maint: one row for each operation that began. maint deletes rows after 35 days.';
comment on column r3a_util.maint_op.id is 'Number of the operation, in the order of their start.';
comment on column r3a_util.maint_op.at is 'When it began (UTC).';
comment on column r3a_util.maint_op.run_id is 'The run: run_id in r3a.run.';
comment on column r3a_util.maint_op.op is 'The kind of operation, such as build, attach or fillfactor.';
comment on column r3a_util.maint_op.object is 'The table or index that it changes.';
comment on column r3a_util.maint_op.attempt is 'Number of this attempt, 1 for the first.';
comment on column r3a_util.maint_op.outcome is 'running, done, failed, or blocked (it waited for another session). running without a live run: killed in the middle.';
comment on column r3a_util.maint_op.sqlstate is 'SQLSTATE of the error. Null: none.';
comment on column r3a_util.maint_op.ms is 'Time that it took, in milliseconds.';
comment on column r3a_util.maint_op.error is 'Text of the error. Null: none.';

comment on view r3a_util.candle_table is 'The candle tables: r3a.ohlcv_partitioned, its list partitions and the leaves. For maint.';
comment on column r3a_util.candle_table.oid is 'Oid of the table.';
comment on column r3a_util.candle_table.parent is 'Oid of its parent. Null: the root.';
comment on column r3a_util.candle_table.level is '0: the root. 1: a list partition. 2: a leaf.';
comment on column r3a_util.candle_table.from_ts is 'Begin of the span of open times of a leaf (UTC). Null for parents.';
comment on column r3a_util.candle_table.nspname is 'Schema of the table.';
comment on column r3a_util.candle_table.relname is 'Name of the table without its schema.';
comment on column r3a_util.candle_table.name is 'Name of the table with its schema, quoted where SQL needs quotes.';
comment on column r3a_util.candle_table.reloptions is 'Storage settings of the table.';
comment on column r3a_util.candle_table.phase is 'parent; of leaves coming, open (from two days before its span to two days after) or sealed.';

comment on view r3a_util.candle_index is 'The indexes of the candle tables, with their kinds. For maint.';
comment on column r3a_util.candle_index.indrelid is 'Oid of the table.';
comment on column r3a_util.candle_index.indexrelid is 'Oid of the index.';
comment on column r3a_util.candle_index.relname is 'Name of the index without its schema.';
comment on column r3a_util.candle_index.indisvalid is 'Whether queries may use the index.';
comment on column r3a_util.candle_index.is_constraint is 'Whether the index belongs to a primary key or unique constraint.';
comment on column r3a_util.candle_index.reloptions is 'Storage settings of the index.';
comment on column r3a_util.candle_index.upper is 'Oid of the index of the parent that this one is attached to. Null: none.';
comment on column r3a_util.candle_index.kind is 'btree (the primary key) or brin_ts. Null: an index that maint does not want.';

comment on view r3a_util.lock_holder is 'Who holds which lock of R3A, or waits for it.';
comment on column r3a_util.lock_holder.scope is 'The kind of work, such as series or maint.';
comment on column r3a_util.lock_holder.key is 'What the lock is for within the scope, such as BTCUSDT:1m.';
comment on column r3a_util.lock_holder.pid is 'The server process of the session: pg_terminate_backend(pid) ends it.';
comment on column r3a_util.lock_holder.granted is 'True: the session holds the lock. False: it waits.';
comment on column r3a_util.lock_holder.application_name is 'What the session calls itself, such as r3a sync.';
comment on column r3a_util.lock_holder.client_addr is 'Address that the session comes from.';
comment on column r3a_util.lock_holder.state is 'What the session does, as in pg_stat_activity.';
comment on column r3a_util.lock_holder.backend_start is 'When the session began (UTC).';
comment on column r3a_util.lock_holder.query is 'Its last statement.';

comment on view r3a_util.maint_attempt is 'The operations of maint that failed since they last worked.';
comment on column r3a_util.maint_attempt.object is 'The table or index.';
comment on column r3a_util.maint_attempt.attempts is 'Number of failed attempts since the last one that worked.';

comment on function r3a.count_gaps() is 'Trigger of r3a.ohlcv_gap_log: keeps r3a.gap_count up to date.';
comment on function r3a_util.lock_key(text, text) is
  'The number of an advisory lock, from its scope and key. The runner computes the same number.';
comment on function r3a_util.acquire_lock(text, text) is
  'Takes the lock of a scope and key for this session and returns true; false if another session has it. Keep the connection open for the whole work.';
comment on function r3a_util.release_lock(text, text) is
  'Gives back a lock of this session. False (and a warning) if the session did not have it.';
comment on function r3a_util.leaf_partitions() is
  'The leaves of the candle table, each with its parent and its span of open times.';
comment on function r3a_util.make_leaf(text, timestamptz, jsonb) is
  'Makes the leaf of a list partition that begins at a given time, and returns its name. For sync, with the rights of the owner.';
comment on function r3a_util.index_names(regclass) is
  'The names of the two indexes of a leaf: the names that they have, or will get.';
comment on function r3a_util.wanted_index(regclass) is
  'The indexes that each candle table has and should have. For maint.';
comment on function r3a_util.maint_index_plan(integer, integer, regclass) is
  'The statements that indexes and fill factors still need, the most valuable first. For maint.';
comment on function r3a_util.generate_index_sql(integer, integer) is
  'The statements of maint_index_plan that no other session stands in the way of.';
comment on function r3a_util.generate_index_sql_limited(integer, integer, integer) is
  'The first statements of generate_index_sql.';

-- node-pg-migrate makes this table before the first file; where a person runs the files by hand it is not there.
do $$ begin
  if to_regclass('r3a.migration') is null then return; end if;
comment on table r3a.migration is 'The migrations that were applied to this database.';
comment on column r3a.migration.id is 'Number of the row.';
comment on column r3a.migration.name is 'Name of the file in sql/migrations, without .sql.';
comment on column r3a.migration.run_on is 'When it was applied (UTC).';
end $$;
