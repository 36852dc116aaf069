import type { Database } from "../db/connect.ts";
import {
  findPooler,
  type Reach,
  reachDatabase,
  readDatabaseClock,
  readServer,
  type ServerRow,
} from "../db/doctor/reach.ts";
import { readSchema, type SchemaState } from "../db/doctor/stored.ts";
import { createUnicodeDatabase, resetReadOnly } from "../db/remedy-sql.ts";
import { judgeDatabase, noteOfServer } from "../db/schema/requirements.ts";
import { cureOfLoading, describeLoading } from "../db/schema/restore-gate.ts";
import { commandLine } from "../program-name.ts";
import { renderDuration } from "../time.ts";
import { byLimit, type Check, type Finding, fail, listSome, pass, warn } from "./check.ts";
import { judgeTls } from "./tls.ts";

/** Ages and deadlines depend on both clocks. Certificates fail only at a much larger difference. */
const CLOCK_MS = { warn: 2_000, fail: 30_000 };

/** The checks of the connection, of the server and of its schema. `extraAuthorities`: the file of NODE_EXTRA_CA_CERTS. */
export function serverChecks(db: Database, extraAuthorities: string | null): readonly Check[] {
  const needs = ["database"];
  const server = (judge: (row: ServerRow) => Finding) => async (signal: AbortSignal) =>
    judge(await readServer(db, signal));
  return [
    {
      name: "database",
      needs: ["db-url"],
      look: async (signal) => judgeReach(await reachDatabase(db.url, signal)),
    },
    { name: "server", needs, look: server(judgeServer) },
    {
      name: "tls",
      needs,
      look: async (signal) => judgeTls(await reachDatabase(db.url, signal), extraAuthorities, Date.now()),
    },
    { name: "pooler", needs, look: async (signal) => judgePids(await findPooler(db, signal)) },
    {
      name: "clock-database",
      needs,
      look: async (signal) => judgeClock(await readDatabaseClock(db, signal), "the database's", CLOCK_MS),
    },
    {
      name: "schema",
      needs,
      look: async (signal) => {
        const [state, facts] = await Promise.all([readSchema(db, signal), readServer(db, signal)]);
        return judgeSchema(state, judgeServer(facts).status !== "fail");
      },
    },
  ];
}

const WAY_REMEDY = {
  host: "correct the host in DB_URL; in a cluster: kubectl get service, and does the pod reach DNS?",
  port: "start the server, or correct host and port in DB_URL; no answer at all is a firewall or NetworkPolicy (settings databaseCidr, databasePort)",
  login: "correct user, password and database in DB_URL, or allow this address (pg_hba.conf)",
};
/** Remedies for some messages of the server or of the driver, at any step. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /53300/,
    "end what holds the connections (select application_name, count(*) from pg_stat_activity group by 1), or raise max_connections, or the connection limit of the role or database that is named",
  ],
  [/57P03/, "wait: the server starts, stops or recovers; its own log says how far it is"],
  [
    /timeout expired|Connection terminated/,
    "a server takes connections there and answers no login: check whether it is PostgreSQL, and its log and load",
  ],
  [/DB_URL has none/, "add the password to DB_URL: USER:PASSWORD@ before the host"],
];

export function judgeReach(reach: Reach): Finding {
  if (reach.step === "in")
    return pass(`${reach.address} accepts the login, after ${Math.round(reach.ms)} ms`);
  const what = {
    host: `the host of ${reach.address} does not resolve`,
    port: `nothing answers at ${reach.address}`,
    login: `the server at ${reach.address} refuses the login`,
    tls: `no safe connection to ${reach.address}`,
  }[reach.step];
  if (reach.step === "tls") return fail(`${what}: ${reach.message}`, reach.remedy);
  const own = reach.step === "login" ? reach.remedy : undefined;
  const remedy = own ?? REMEDIES.find(([words]) => words.test(reach.message))?.[1] ?? WAY_REMEDY[reach.step];
  return fail(`${what}: ${reach.message}`, remedy);
}

export function judgeServer({ role, isStandby, isReadOnly, readOnlyFrom, ...facts }: ServerRow): Finding {
  const found = `PostgreSQL ${facts.release}, database ${facts.database}, role ${role}`;
  if (isStandby)
    return fail(`${found}: a standby, nothing can be written here`, "point DB_URL at the primary");
  if (isReadOnly)
    return fail(
      `${found}: default_transaction_read_only is on, nothing can be written here`,
      `when the cause is gone (a full disk may be why), ${resetReadOnly(readOnlyFrom, { database: facts.database, role })}`,
    );
  const faults = judgeDatabase(facts);
  if (faults.length > 0)
    return fail(
      `${found}: ${faults.join("; ")}`,
      facts.encoding === "UTF8"
        ? "upgrade the server"
        : `${createUnicodeDatabase(`${facts.database}_utf8`)}; then let DB_URL name that one`,
    );
  const note = noteOfServer(facts);
  if (note !== null) return warn(`${found}: ${note}`, "use a newer release of this program");
  return pass(found);
}

export function judgePids({ pids }: { readonly pids: readonly number[] }): Finding {
  if (pids.length === 1) return pass("one connection is one session, so locks hold");
  return fail(
    `one connection was served by ${pids.length} backends: a pooler in transaction mode, under which session locks protect nothing`,
    "point DB_URL at the server itself, or at a pool in session mode (pgbouncer: pool_mode = session; docs/database.md)",
  );
}

/** `aheadMs`: this machine's clock minus the other clock. */
export function judgeClock(aheadMs: number, whose: string, limits: typeof CLOCK_MS): Finding {
  const skew = Math.abs(aheadMs);
  const difference =
    skew < 1_000
      ? `this machine's clock and ${whose} agree within ${Math.ceil(skew)} ms`
      : `this machine's clock is ${renderDuration(skew)} ${aheadMs > 0 ? "ahead of" : "behind"} ${whose}`;
  return byLimit(skew, limits, difference, "synchronise both machines by NTP: timedatectl, chronyc tracking");
}

/** `mayMigrate` false: the check `server` failed, and a migration would be refused until that is mended. */
export function judgeSchema(state: SchemaState, mayMigrate = true): Finding {
  const { pending, unknown, layout, loading, faults } = state;
  if (loading?.isGated)
    return fail(
      `${describeLoading(loading)}; until the newest ones are there, every other command ends with 75`,
      cureOfLoading(loading),
    );
  const by = (command: string) => (mayMigrate ? commandLine(command) : "first do what the check server says");
  if (layout === "old")
    return fail("the database has the old layout: a leaf per coin, month and interval", by("migrate-layout"));
  if (faults.length > 0)
    return fail(listSome(faults), "correct what is named; docs/database.md says what the database must have");
  if (pending.length > 0) return fail(`the database lacks ${pending.join(", ")}`, by("migrate"));
  if (unknown.length > 0)
    return warn(
      `the database has ${unknown.join(", ")}, which this program does not know: it is older than the schema`,
      "use the image that migrated the database, or a newer one",
    );
  if (layout === "moving")
    return warn(
      "rows still lie in r3a.ohlcv_legacy: the move out of the old layout is not done",
      by("migrate-layout"),
    );
  if (loading !== null)
    return warn(
      `${describeLoading(loading)}; gaps --state not_requested lists what is not there yet, and backup waits`,
      cureOfLoading(loading),
    );
  return pass("the schema is what this program needs");
}
