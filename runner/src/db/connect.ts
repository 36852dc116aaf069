import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import { messageOf, TryAgain } from "../errors.ts";
import { MINUTE_MS } from "../time.ts";
import { createClient, cutClient, sessionOf } from "./connection/client.ts";
import { isConnectionError, translate } from "./fault.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** Old limits of the team's database: three connections a process, none idle for longer than 30 minutes. */
const POOL_SIZE = 3;
const IDLE_TIMEOUT_MS = 30 * MINUTE_MS;
/** A client that lay idle for this long is asked before it is used: a firewall may have cut it silently. */
const CHECK_AFTER_IDLE_MS = MINUTE_MS;
/** The whole pool; each client has a second of its own. */
const CLOSE_MS = 2_000;
/** The system's own delay is two hours: a firewall forgets a quiet connection long before. */
const KEEP_ALIVE_MS = 30_000;

/**
 * How to connect; createClient then sets the session. Candles are read by unnamed statements only, since a named one may
 * switch to a generic plan that locks every leaf.
 */
function clientConfig(url: string, name: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: `r3a ${name}`.slice(0, 63),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  };
}

export type Database = {
  readonly url: string;
  readonly name: string;
  readonly pool: pg.Pool;
  /** Clients of the pool with the time of their last use, for the check before use. */
  readonly lastUsed: WeakMap<pg.PoolClient, number>;
  /** Those that are connected. */
  readonly clients: Set<pg.PoolClient>;
  /** Told of each new session which server it is on (session-settings.ts): sessions that hold locks belong to one server. */
  readonly locked: Set<(server: string) => void>;
};

const SessionClient = new Proxy(pg.Client, {
  construct: (_, [config]: [pg.ClientConfig]) => createClient(config),
});

/** Opens a pool for `name` (shown as application_name). Nothing connects before the first statement. */
export function openDatabase(url: string, name: string): Database {
  const pool = new pg.Pool({
    ...clientConfig(url, name),
    max: POOL_SIZE,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    allowExitOnIdle: true,
    Client: SessionClient,
  });
  // an idle client that the server drops is removed by the pool itself; without a listener it would end the process
  pool.on("error", () => {});
  // the same for one in use: the pool takes its own listener away while somebody has the client
  const clients = new Set<pg.PoolClient>();
  const locked: Database["locked"] = new Set();
  pool.on("connect", (client) => {
    client.on("error", () => {});
    clients.add(client);
    // whoever uses the client is told of a session that could not be set
    sessionOf(client).then(
      ({ server }) => tellServer({ locked }, server),
      () => {},
    );
  });
  pool.on("remove", (client) => clients.delete(client as pg.PoolClient));
  return { url, name, pool, lastUsed: new WeakMap(), clients, locked };
}

/**
 * A client of its own beside the pool, named as the database is. It connects by `connect()`, and whoever opened it ends
 * it. A statement that meets a lost connection fails by itself; without a listener the loss would end the process.
 */
export function openClient({ url, name }: Pick<Database, "url" | "name">, connectMs?: number): pg.Client {
  const config = clientConfig(url, name);
  const client = createClient(
    connectMs === undefined ? config : { ...config, connectionTimeoutMillis: connectMs },
  );
  return client.on("error", () => {});
}

/** A new session is on this server. */
export function tellServer({ locked }: Pick<Database, "locked">, server: string): void {
  for (const tell of locked) tell(server);
}

/** Ends the pool; a connection that hangs is not waited for, and does not keep the process. */
export async function closeDatabase({ pool, clients }: Database): Promise<void> {
  const over = new AbortController();
  const closed = pool.end().catch(() => {});
  await Promise.race([closed, wait(CLOSE_MS, undefined, { signal: over.signal }).catch(() => {})]);
  over.abort();
  // whose statement hangs would keep the process until somebody notices
  for (const client of clients) cutClient(client);
}

/** Runs `work` with a checked client of the pool; errors come out as what they mean for the run (fault.ts). */
export async function withClient<T>(db: Database, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await takeClient(db);
  let broken = false;
  try {
    const result = await work(client);
    await sessionOf(client);
    return result;
  } catch (error) {
    broken = isConnectionError(error);
    throw await faultOf(client, error);
  } finally {
    db.lastUsed.set(client, performance.now());
    client.release(broken);
  }
}

/** What an error of a client means; that of its session comes first, since what came after is only cut off by it. */
export async function faultOf(client: pg.ClientBase, error: unknown): Promise<unknown> {
  return sessionOf(client).then(
    ({ role }) => translate(error, role),
    (fault: unknown) => translate(isConnectionError(fault) ? error : fault),
  );
}

/** A client of the pool that answers. Whoever takes it gives it back. */
async function takeClient(db: Database): Promise<pg.PoolClient> {
  for (;;) {
    const client = await db.pool.connect().catch((error: unknown) => {
      throw translate(isPoolBusy(db, error) ? new TryAgain(ALL_AT_WORK, { cause: error }) : error);
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

const ALL_AT_WORK = `all ${POOL_SIZE} connections of this process were at work for ${CONNECT_TIMEOUT_MS / 1000} s: they wait for locks, or the server has too much to do (doctor says who holds what)`;

function isPoolBusy({ pool }: Database, error: unknown): boolean {
  return pool.totalCount >= POOL_SIZE && /^timeout exceeded when trying to connect/.test(messageOf(error));
}
