import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import { messageOf, SettingsFault, Stopped, TryAgain } from "../errors.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** Old limits of the team's database: three connections a process, none idle for longer than 30 minutes. */
const POOL_SIZE = 3;
const IDLE_TIMEOUT_MS = 30 * 60_000;
/** A client that lay idle for this long is asked before it is used: a firewall may have cut it silently. */
const CHECK_AFTER_IDLE_MS = 60_000;
/** A server that answers has ended its sessions long before. */
const CLOSE_MS = 1_000;

/**
 * The server's side of a connection: it lets go of the locks of a client that vanished within a minute, and stops
 * what such a client was running, instead of after the system's two hours.
 */
const SESSION = [
  ["TimeZone", "UTC"],
  ["DateStyle", "ISO"],
  ["IntervalStyle", "postgres"],
  ["tcp_keepalives_idle", "30"],
  ["tcp_keepalives_interval", "10"],
  ["tcp_keepalives_count", "3"],
  ["client_connection_check_interval", "5s"],
] as const;

/**
 * TimeZone is fixed so that bounds and dates never depend on a server's setting; candles are read by unnamed
 * statements only, since a named one may switch to a generic plan that locks every leaf.
 */
export function clientConfig(url: string, name: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: `r3a ${name}`.slice(0, 63),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    options: SESSION.map(([name, value]) => `-c ${name}=${value}`).join(" "),
  };
}

export type Database = {
  readonly url: string;
  readonly name: string;
  readonly pool: pg.Pool;
  /** Clients of the pool with the time of their last use, for the check before use. */
  readonly lastUsed: WeakMap<pg.PoolClient, number>;
};

/** A pool forgets a client that could not connect; its socket would keep the process until the server hangs up (60 s). */
const ClosingClient = new Proxy(pg.Client, {
  construct(Client, [config]: [pg.ClientConfig]) {
    const client = new Client(config);
    const connect = client.connect.bind(client) as (told: (error: Error) => void) => void;
    return Object.assign(client, {
      connect: (told: (error: Error) => void) =>
        connect((error) => {
          if (error) client.end().catch(() => {});
          told(error);
        }),
    });
  },
});

/** Opens a pool for `name` (shown as application_name). Nothing connects before the first statement. */
export function openDatabase(url: string, name: string): Database {
  const pool = new pg.Pool({
    ...clientConfig(url, name),
    max: POOL_SIZE,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    allowExitOnIdle: true,
    Client: ClosingClient,
  });
  // an idle client that the server drops is removed by the pool itself; without a listener it would end the process
  pool.on("error", () => {});
  // the same for one in use: the pool takes its own listener away while somebody has the client
  pool.on("connect", (client) => client.on("error", () => {}));
  return { url, name, pool, lastUsed: new WeakMap() };
}

/** Ends the pool; a connection that hangs is not waited for, and does not keep the process. */
export async function closeDatabase({ pool }: Database): Promise<void> {
  const over = new AbortController();
  const closed = pool.end().catch(() => {});
  await Promise.race([closed, wait(CLOSE_MS, undefined, { signal: over.signal }).catch(() => {})]);
  over.abort();
}

/** Runs `work` with a checked client of the pool; errors of the connection come out as TryAgain. */
export async function withClient<T>(db: Database, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await takeClient(db);
  let broken = false;
  try {
    return await work(client);
  } catch (error) {
    broken = isConnectionError(error);
    throw translate(error);
  } finally {
    db.lastUsed.set(client, performance.now());
    client.release(broken);
  }
}

/** One transaction: committed when `work` resolves, rolled back when it throws. */
export async function withTransaction<T>(
  db: Database,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  return withClient(db, async (client) => {
    await client.query("begin");
    try {
      const result = await work(client);
      await client.query("commit");
      return result;
    } catch (error) {
      if (!isConnectionError(error)) await client.query("rollback");
      throw error;
    }
  });
}

async function takeClient(db: Database): Promise<pg.PoolClient> {
  for (;;) {
    const client = await db.pool.connect().catch((error: unknown) => {
      throw translate(error);
    });
    const usedAt = db.lastUsed.get(client) ?? performance.now();
    if (performance.now() - usedAt < CHECK_AFTER_IDLE_MS) return client;
    const answered = client.query("select 1").then(
      () => true,
      () => false,
    );
    const alive = await Promise.race([answered, wait(CONNECT_TIMEOUT_MS, false, { ref: false })]);
    if (alive) return client;
    client.release(true);
  }
}

const CONNECTION_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "57P01", // admin_shutdown
  "57P02", // crash_shutdown
  "57P03", // cannot_connect_now
  "53300", // too_many_connections
]);
/** pg has no code for these: its own client noticed that the socket went away. */
const CONNECTION_MESSAGES =
  /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed)/;

/** Whether the server is away (as opposed to a statement that it refused), by SQLSTATE or socket code. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // the socket's file is not there, or not ours
  if ("syscall" in error && error.syscall === "connect") return true;
  const code = codeOf(error);
  if (code !== null) return CONNECTION_CODES.has(code) || code.startsWith("08");
  if (error instanceof AggregateError) return error.errors.some(isConnectionError);
  return CONNECTION_MESSAGES.test(error.message);
}

/** SQLSTATE or socket code of a driver error. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

/** Invalid password, no such role or no right to connect, no such database: DB_URL is wrong, and a retry cannot help. */
const REFUSED_LOGIN = new Set(["28P01", "28000", "3D000"]);
/** The same, noticed by the driver: no password where one is asked for, and sslmode where the server has no TLS. */
const REFUSED_BY_DRIVER = /^(SASL: |The server does not support SSL connections)/;
const NO_PASSWORD = /^SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be/;

/** Whether the server or the driver found DB_URL itself to be wrong. */
function isRefusedLogin(error: unknown): boolean {
  const code = codeOf(error);
  return code === null ? REFUSED_BY_DRIVER.test(messageOf(error)) : REFUSED_LOGIN.has(code);
}

/** Why a login failed, in words that say which part of DB_URL it was. */
export function reasonOfLogin(error: unknown): string {
  const message = messageOf(error);
  return NO_PASSWORD.test(message) ? `it asks for a password, and DB_URL has none (${message})` : message;
}

const READ_ONLY = "25006";

/**
 * A connection error or a database that takes no writes as TryAgain with what to look at, a refused login as
 * SettingsFault; anything else unchanged. The cause never holds the URL.
 */
export function translate(error: unknown): unknown {
  if (isRefusedLogin(error))
    return new SettingsFault([`DB_URL is refused by the database: ${reasonOfLogin(error)}`]);
  if (error instanceof TryAgain || error instanceof Stopped) return error;
  if (codeOf(error) === READ_ONLY)
    return new TryAgain(
      "the database takes no writes: it is a standby (let DB_URL lead to the primary; after a failover the next run finds it), or default_transaction_read_only is on (a full disk may be why)",
      { cause: error },
    );
  if (!isConnectionError(error)) return error;
  return new TryAgain(
    "the database cannot be reached (DB_URL); is it running, and does the network let us through?",
    {
      cause: error,
    },
  );
}
