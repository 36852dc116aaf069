import { setTimeout as sleep } from "node:timers/promises";
import { makeCertificate } from "../database/certificates.ts";
import { whileReadOnly, withSession } from "../database/empty-database.ts";
import { presentCertificate } from "../database/tls-server.ts";
import { startTransactionPooler } from "../database/transaction-pooler.ts";
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

const TWENTY_MINUTES = played(
  {
    kind: "view",
    name: "pg_stat_activity",
    standIn: ` as select datname, pid, application_name, state, backend_type, xact_start,
      state_change - interval '20 minutes' as state_change from pg_catalog.real_pg_stat_activity`,
  },
  { status: "fail", output: /beside \(pid \d+\) idle in transaction for 20 min/ },
);

/** Those that lie in the settings, on the way to the database, or in it. */
export const DATABASE_FAULTS: Readonly<Record<string, Fault>> = {
  "db-url": {
    status: "fail",
    output: /DB_URL must look like/,
    arrange: ({ look }) => look({ DB_URL: "mysql://h/d" }),
  },
  settings: {
    status: "fail",
    output: /UNIVERSE_SIZE must be a whole number/,
    arrange: ({ look }) => look({ UNIVERSE_SIZE: "0" }),
  },
  database: {
    status: "fail",
    output: /nothing answers at 127\.0\.0\.1:1: .*ECONNREFUSED/,
    arrange: ({ look }) => look({ DB_URL: "postgresql://u:p@127.0.0.1:1/d" }),
  },
  server: {
    status: "fail",
    output: /database r3a, .*_read_only is on, nothing can be written here/,
    arrange: ({ server, look }) => whileReadOnly(server.url, look),
  },
  tls: {
    status: "warn",
    output: /^encrypted \(TLSv1\.\d\) and not verified/,
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
    output: /served by \d backends: a pooler in transaction mode/,
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
    { status: "fail", output: /^this machine's clock is 2 min ahead of the database's$/ },
  ),
  schema: damaged(
    "update r3a.migration set name = 'x' where name = '000011_health_results'",
    "update r3a.migration set name = '000011_health_results' where name = 'x'",
    { status: "fail", output: /^the database lacks 000011_health_results$/ },
  ),
  locks: {
    status: "fail",
    output: /^1 held by hand, or for very long: maint:global by beside \(pid \d+\), connected 7\.0 h/,
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
    { status: "fail", output: /release_lock says that this session does not hold what it has just taken/ },
  ),
  blocked: {
    status: "warn",
    output: /^waiter \(pid \d+\) waits \d s for a lock of \d+ beside, idle in transaction$/,
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
    output: /^8\d\d of about 1,000 slots of the lock table are in use \(8\d %\)$/,
    arrange: beside("select pg_advisory_lock(n) from generate_series(1, 850) n"),
  },
  connections: {
    status: "fail",
    output: /^(19|2\d) of 20 connections are in use$/,
    arrange: beside("select", 18),
  },
  health: damaged("create table r3a.rest partition of r3a.ohlcv_1h default", "drop table r3a.rest", {
    status: "fail",
    output: /^a DEFAULT partition takes rows that belong into leaves/,
  }),
};
