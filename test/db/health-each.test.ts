import { expect, test } from "vitest";
import type { HealthReport } from "../../runner/src/health/report.ts";
import { HOUR_MS, MINUTE_MS } from "../../runner/src/time.ts";
import { replaceInCatalog } from "../support/database/catalog-stand-in.ts";
import {
  deleteCandle,
  END,
  insertCandle,
  insertGap,
  LEAF,
  NOW,
  resultFor,
  setLastTs,
  updateCandle,
  useSyncedDatabase,
} from "../support/health/synced-database.ts";

/** Each check of health has a fault that it finds in a whole measurement, for the reason that its result names. */

const { database, coinIds, measure, expectBad } = useSyncedDatabase();
const AT = END - 20 * HOUR_MS;

type Fault = {
  readonly status: "warn" | "fail";
  readonly says: RegExp;
  /** The names of what is affected. */
  readonly names?: readonly unknown[];
  /** Further results that are bad. */
  readonly beside?: readonly string[];
  readonly damage: string | ((coin: number) => string);
  readonly mend: string | ((coin: number) => string);
  readonly measured?: () => Promise<HealthReport>;
};
const sql = (made: Fault["damage"]) => (typeof made === "string" ? made : made(coinIds()[0]));

const later = () => measure({}, { now: NOW + 3 * HOUR_MS });
const addMaint = (columns: string, values: string) =>
  `insert into r3a.run (run_id, command, origin, started_at, ${columns})
   values (gen_random_uuid(), 'maint', 'maint', to_timestamp(${(NOW - 3 * HOUR_MS) / 1000}), ${values})`;
const REMOVE_MAINT = "delete from r3a.run where command = 'maint'";
const FAULTS: Readonly<Record<string, Fault>> = {
  "freshness 1h": {
    status: "fail",
    says: /^the newest candle closed 3\.2 h ago/,
    beside: ["coverage 1h: fail", "activity sync 1h: fail"],
    damage: "select",
    mend: "select",
    measured: later,
  },
  "coverage 1h": {
    status: "fail",
    says: /^0 of 2 symbols are up to date$/,
    names: [expect.stringMatching(/^AUSDT /), expect.stringMatching(/^BUSDT /)],
    beside: ["freshness 1h: fail", "activity sync 1h: fail"],
    damage: "select",
    mend: "select",
    measured: later,
  },
  "integrity schema": {
    status: "fail",
    says: /lacks migrations: run migrate/,
    names: ["000011_health_results"],
    damage: "update r3a.migration set name = 'x' where name = '000011_health_results'",
    mend: "update r3a.migration set name = '000011_health_results' where name = 'x'",
  },
  "integrity indexes": {
    status: "fail",
    says: /indexes are invalid or missing/,
    damage: `create index lone on ${LEAF} (close); update pg_index set indisready = false where indexrelid = 'r3a.lone'::regclass`,
    mend: "drop index r3a.lone",
  },
  "integrity leaves": {
    status: "fail",
    says: /^a DEFAULT partition takes rows that belong into leaves/,
    damage: "create table r3a.rest partition of r3a.ohlcv_1h default",
    mend: "drop table r3a.rest",
  },
  "integrity detach": {
    status: "fail",
    says: /^a DETACH CONCURRENTLY was cut off/,
    beside: ["integrity damage: fail"],
    damage: "update pg_inherits set inhdetachpending = true where inhrelid = 'r3a.ohlcv_1h_2025'::regclass",
    mend: "update pg_inherits set inhdetachpending = false where inhrelid = 'r3a.ohlcv_1h_2025'::regclass",
  },
  "integrity damage": {
    status: "fail",
    says: /^leaves are damaged: r3a restore --damaged --dry-run says what puts back what the backups have; .* backup --accept/,
    names: ["ohlcv_1h_2024: slots", "ohlcv_1h_2025: unreadable"],
    damage: `insert into r3a.leaf_damage (leaf, detector, detail) values ('ohlcv_1h_2024', 'slots', 'x'), ('ohlcv_1h_2025', 'unreadable', 'x')`,
    mend: "update r3a.leaf_damage set state = 'gone', closed_at = now()",
  },
  "integrity hold": {
    status: "warn",
    says: /^no leaf is sealed or swapped since .*Z: the disk is being replaced; r3a restore --resume ends the hold$/,
    damage: "insert into r3a.recovery_hold (reason, held_by) values ('the disk is being replaced', 'x')",
    mend: "delete from r3a.recovery_hold",
  },
  "integrity wraparound": {
    status: "fail",
    says: /^the oldest row is 1,300 million transactions/,
    ...replaceInCatalog({
      kind: "table",
      name: "pg_database",
      standIn: ` as select datname, datminmxid,
        ((pg_current_xact_id()::text::bigint + 4294967296 - 1300000000) % 4294967296)::text::xid as datfrozenxid
        from pg_catalog.real_pg_database`,
    }),
  },
  "integrity constraints": {
    status: "fail",
    says: /constraints hold for new rows only: run the statement/,
    names: ["r3a.coin: known is not validated: alter table r3a.coin validate constraint known"],
    damage: "alter table r3a.coin add constraint known check (quote = 'USDT') not valid",
    mend: "alter table r3a.coin drop constraint known",
  },
  "integrity checksums": {
    status: "fail",
    says: /^pages do not match their checksums: stop writing, and run scrub, which says where$/,
    ...replaceInCatalog({
      kind: "view",
      name: "pg_stat_database",
      standIn: ` as select datid, datname, case when datid = 0 then 2 else 1 end as checksum_failures, now() as checksum_last_failure
        from pg_catalog.real_pg_stat_database`,
    }),
  },
  "integrity gaps": {
    status: "fail",
    says: /^1 open gap, the oldest due for 6\.2 h: run gaps --repair/,
    damage: (coin) => `${deleteCandle(coin, AT)}; ${insertGap(coin, AT, { due: NOW - 6.2 * HOUR_MS })}`,
    mend: (coin) => `delete from r3a.ohlcv_gap_log; ${insertCandle(coin, AT)}`,
  },
  "integrity candles": {
    status: "fail",
    says: /candles are broken: run verify/,
    damage: (coin) => updateCandle(coin, AT, "high = 98"),
    mend: (coin) => updateCandle(coin, AT),
  },
  "integrity alignment": {
    status: "fail",
    says: /candles lie off their slots/,
    damage: (coin) => insertCandle(coin, AT + MINUTE_MS),
    mend: (coin) => deleteCandle(coin, AT + MINUTE_MS),
  },
  "integrity slots": {
    status: "fail",
    says: /slots are unaccounted for/,
    damage: (coin) => deleteCandle(coin, AT),
    mend: (coin) => insertCandle(coin, AT),
  },
  "integrity last-timestamps": {
    status: "fail",
    says: /last timestamps are wrong: run refresh-lastts/,
    damage: (coin) => setLastTs(coin, END - 2 * HOUR_MS),
    mend: (coin) => setLastTs(coin, END - HOUR_MS),
  },
  "size database": {
    status: "fail",
    says: /^\d.* of 1\.0 MB .*: make room or raise the budget$/,
    damage: "select",
    mend: "select",
    measured: () => measure({ dbSizeBudgetGb: 0.001 }),
  },
  "size 1h": {
    status: "warn",
    says: /^about 7 candles in 2 series: too few; run vacuum for new statistics, then verify$/,
    damage: `update pg_class set reltuples = 7 where oid = '${LEAF}'::regclass`,
    mend: `analyze ${LEAF}`,
  },
  "activity sync 1h": {
    status: "fail",
    says: /ended with failure \(exit 1\)/,
    damage: "update r3a.run set outcome = 'failure', exit_code = 1",
    mend: "update r3a.run set outcome = 'success', exit_code = 0",
  },
  "activity runs": {
    status: "fail",
    says: /^the last run of 1 of 1 job did not succeed/,
    damage: addMaint("finished_at, outcome, exit_code", "now(), 'failure', 1"),
    mend: REMOVE_MAINT,
  },
  "activity running": {
    status: "fail",
    says: /^the process of 1 run is gone/,
    damage: addMaint("heartbeat_at", `to_timestamp(${(NOW - 3 * HOUR_MS) / 1000})`),
    mend: REMOVE_MAINT,
  },
};

test("every check has a fault in the table, except backup, which has a file of its own", async () => {
  const { results } = await measure();
  const names = results.flatMap(({ check, component, status }) =>
    status === "skip" ? [] : [`${check} ${component}`],
  );
  expect(Object.keys(FAULTS).toSorted()).toEqual(names.toSorted());
  expect(results.filter(({ status }) => status === "skip").map(({ check }) => check)).toEqual(["backup"]);
});

test.each(Object.entries(FAULTS))("%s", async (title, { status, says, names, beside = [], ...fault }) => {
  const bad = [...(title.endsWith("checksums") ? [] : [`${title}: ${status}`]), ...beside];
  const report = await expectBad(sql(fault.damage), sql(fault.mend), bad, fault.measured);
  const result = resultFor(report, title);
  expect(result).toMatchObject({ status, output: expect.stringMatching(says) });
  if (names !== undefined) expect(result?.names).toEqual(names);
  expect(resultFor(await measure(), title)?.output).not.toMatch(says);
});

test("a job that failed and then succeeded with other arguments does not fail, and a person who tries them is not counted", async () => {
  const add = (origin: string, args: string, ago: number, exitCode: number) => `
    insert into r3a.run (run_id, command, arguments, origin, started_at, finished_at, outcome, exit_code)
    values (gen_random_uuid(), 'maint', '${args}', ${origin}, to_timestamp(${(NOW - ago * HOUR_MS) / 1000}), now(),
            '${exitCode === 0 ? "success" : "failure"}', ${exitCode});`;
  await database.query(add("'maint'", "--max-ops 300", 3, 1) + add("'maint'", "--max-ops 500", 2, 0));
  const ofJob = resultFor(await measure(), "activity runs");
  await database.query("update r3a.run set origin = null where command = 'maint'");
  const byHand = resultFor(await measure(), "activity runs");
  await database.query(REMOVE_MAINT);
  expect(ofJob?.status).toBe("pass");
  expect(byHand).toMatchObject({ status: "pass", observed: 0 });
});
