import { setTimeout as sleep } from "node:timers/promises";
import { openDatabase } from "../../../runner/src/db/connect.ts";
import { ensureLeaf } from "../../../runner/src/db/leaves.ts";
import { leafAt } from "../../../runner/src/partition/layout.ts";
import { makeCertificate } from "../database/certificates.ts";
import { withSession } from "../database/empty-database.ts";
import { presentCertificate } from "../database/tls-server.ts";
import { startTransactionPooler } from "../database/transaction-pooler.ts";
import { cutDetach } from "../maint/cut-detach.ts";
import { damaged, type Fault, type Ground, played } from "./ground.ts";

/** What other sessions do while doctor looks. */
const beside =
  (statement: string, count = 1): Fault["arrange"] =>
  async ({ server, look }) => {
    const open = (left: number): ReturnType<Ground["look"]> =>
      left === 0
        ? look()
        : withSession(server.url, async (client) => {
            await client.query(`set application_name = 'beside'; ${statement}`);
            return open(left - 1);
          });
    return open(count);
  };

const RUN =
  "insert into r3a.run (run_id, command, arguments, origin, started_at, heartbeat_at, finished_at, outcome, exit_code)";

const TWENTY_MINUTES = played(
  {
    kind: "view",
    name: "pg_stat_activity",
    standIn: ` as select datname, pid, application_name, state, backend_type, xact_start,
      state_change - interval '20 minutes' as state_change from pg_catalog.real_pg_stat_activity`,
  },
  { status: "fail", found: /beside \(pid \d+\) idle in transaction for 20 min/ },
);

/** Those that lie in the settings, on the way to the database, or in it. */
export const DATABASE_FAULTS: Readonly<Record<string, Fault>> = {
  "db-url": {
    status: "fail",
    found: /DB_URL must look like/,
    arrange: ({ look }) => look({ DB_URL: "mysql://h/d" }),
  },
  settings: {
    status: "fail",
    found: /UNIVERSE_SIZE must be a whole number/,
    arrange: ({ look }) => look({ UNIVERSE_SIZE: "0" }),
  },
  database: {
    status: "fail",
    found: /nothing answers at 127\.0\.0\.1:1: .*ECONNREFUSED/,
    arrange: ({ look }) => look({ DB_URL: "postgresql://u:p@127.0.0.1:1/d" }),
  },
  server: {
    status: "fail",
    found: /database r3a, .*_read_only is on, nothing can be written here/,
    arrange: ({ server, look }) =>
      withSession(server.url, async (client) => {
        await client.query("set default_transaction_read_only = off");
        await client.query("alter database r3a set default_transaction_read_only = on");
        const result = await look();
        await client.query("alter database r3a reset default_transaction_read_only");
        return result;
      }),
  },
  tls: {
    status: "warn",
    found: /^encrypted \(TLSv1\.\d\) and not verified/,
    arrange: async ({ server, look }) => {
      await presentCertificate(server, makeCertificate({ commonName: "nobody" }));
      try {
        return await look({ DB_URL: `${server.url}?sslmode=no-verify` });
      } finally {
        await presentCertificate(server, null);
      }
    },
  },
  pooler: {
    status: "fail",
    found: /served by \d backends: a pooler in transaction mode/,
    arrange: async ({ server, look }) => {
      const pooler = await startTransactionPooler(server.url);
      try {
        return await look({ DB_URL: pooler.url });
      } finally {
        await pooler.stop();
      }
    },
  },
  "clock-database": played(
    {
      kind: "function",
      name: "clock_timestamp",
      standIn: "() returns timestamptz return pg_catalog.real_clock_timestamp() - interval '2 minutes'",
      takes: "()",
    },
    { status: "fail", found: /^this machine's clock is 2 min ahead of the database's$/ },
  ),
  schema: damaged(
    "update r3a.migration set name = 'x' where name = '000011_health_results'",
    "update r3a.migration set name = '000011_health_results' where name = 'x'",
    { status: "fail", found: /^the database lacks 000011_health_results$/ },
  ),
  locks: {
    status: "fail",
    found: /^1 held by hand, or for very long: maint:global by beside \(pid \d+\), connected 7\.0 h/,
    arrange: async (ground) => {
      const { server } = ground;
      await server.query(`
        alter view r3a_util.lock_holder rename to real_holder;
        create view r3a_util.lock_holder as
        select scope, key, pid, granted, application_name, backend_start - interval '7 hours' as backend_start
        from r3a_util.real_holder`);
      const result = await beside("select r3a_util.acquire_lock('maint', 'global')")(ground);
      await server.query(
        "drop view r3a_util.lock_holder; alter view r3a_util.real_holder rename to lock_holder",
      );
      return result;
    },
  },
  "lock-probe": damaged(
    `alter function r3a_util.release_lock rename to real_release;
     create function r3a_util.release_lock(text, text) returns boolean return false`,
    "drop function r3a_util.release_lock; alter function r3a_util.real_release rename to release_lock",
    { status: "fail", found: /release_lock says that this session does not hold what it has just taken/ },
  ),
  blocked: {
    status: "warn",
    found: /^waiter \(pid \d+\) waits \d s for a lock of \d+ beside, idle in transaction$/,
    arrange: (ground) =>
      withSession(ground.server.url, async (waiter) => {
        waiter.on("error", () => {});
        await waiter.query("set application_name = 'waiter'");
        return beside("begin; lock table r3a.coin")({
          ...ground,
          look: async () => {
            waiter.query("select from r3a.coin").catch(() => {});
            await sleep(1_500);
            return ground.look();
          },
        });
      }),
  },
  transactions: {
    ...TWENTY_MINUTES,
    arrange: (ground) => TWENTY_MINUTES.arrange({ ...ground, look: () => beside("begin; select 1")(ground) }),
  },
  "lock-slots": {
    status: "fail",
    found: /^8\d\d of about 1,000 slots of the lock table are in use \(8\d %\)$/,
    arrange: beside("select pg_advisory_lock(n) from generate_series(1, 850) n"),
  },
  connections: {
    status: "fail",
    found: /^(19|2\d) of 20 connections are in use$/,
    arrange: beside("select", 18),
  },
  runs: damaged(
    `${RUN} values (gen_random_uuid(), 'sync', '1h', 'sync-1h', now(), now(), now(), 'failure', 1)`,
    "delete from r3a.run",
    { status: "fail", found: /^1 of 1 last runs did not succeed: sync 1h ended failure \(exit 1\)/ },
  ),
  running: damaged(
    `${RUN} values (gen_random_uuid(), 'maint', '', 'maint', now() - interval '4 h', now() - interval '3 h', null, 'running', null)`,
    "delete from r3a.run",
    {
      status: "fail",
      found: /^1 runs are open whose program is gone: maint on \? pid \?, silent for 3\.0 h$/,
    },
  ),
  gaps: damaged(
    `insert into r3a.ohlcv_gap_log (id, coin_id, "interval", from_ts, to_ts, state, reason, next_check_at)
     select gen_random_uuid(), id, '1h', '2026-01-01Z', '2026-01-02Z', 'open', 'absent', now() - interval '5 hours'
     from r3a.coin`,
    "delete from r3a.ohlcv_gap_log",
    {
      status: "fail",
      found: /^open gaps: 1h 1 \(oldest from 2026-01-01T00:00:00Z\); one has been due for 5\.0 h$/,
    },
  ),
  leaves: damaged("create table r3a.rest partition of r3a.ohlcv_1h default", "drop table r3a.rest", {
    status: "fail",
    found: /^rest is a DEFAULT partition/,
  }),
  indexes: damaged("create index extra on only r3a.ohlcv_1h (close)", "drop index r3a.extra", {
    status: "fail",
    found: /extra of r3a\.ohlcv_1h_\d{4} is missing/,
  }),
  detach: {
    status: "fail",
    found: /^r3a\.ohlcv_1h_2001: a DETACH CONCURRENTLY was cut off/,
    arrange: async (ground) => {
      const { server } = ground;
      const db = openDatabase(server.url, "test");
      await ensureLeaf(db, leafAt("1h", Date.UTC(2001, 5)));
      await db.pool.end();
      await cutDetach(server.url, "ohlcv_1h", "ohlcv_1h_2001");
      const result = await ground.look();
      await server.query("alter table r3a.ohlcv_1h detach partition r3a.ohlcv_1h_2001 finalize");
      await server.query("drop table r3a.ohlcv_1h_2001");
      return result;
    },
  },
  size: played(
    {
      kind: "function",
      name: "pg_database_size",
      takes: "(name)",
      standIn: "(name) returns bigint return 900000000",
    },
    {
      status: "fail",
      found: /^0\.9 GB, 90 % of its budget of 1 GB$/,
      env: { DB_SIZE_BUDGET_GB: "1" },
    },
  ),
  wraparound: played(
    {
      kind: "table",
      name: "pg_database",
      standIn: ` as select datname, datminmxid,
        ((pg_current_xact_id()::text::bigint + 4294967296 - 1300000000) % 4294967296)::text::xid as datfrozenxid
        from pg_catalog.real_pg_database`,
    },
    { status: "fail", found: /^the oldest row is 1,300 million transactions/ },
  ),
};
