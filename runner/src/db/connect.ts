import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import { messageOf, TryAgain } from "../errors.ts";
import { MINUTE_MS } from "../time.ts";
import { type AddressName, nameAddress } from "./connection/address.ts";
import { createClient, cutClient, sessionOf } from "./connection/client.ts";
import { isConnectionError, kindOf, translate } from "./fault.ts";

export const CONNECT_TIMEOUT_MS = 5_000;
/** Limits of the team's database since long: three connections a process, none idle for longer than 30 minutes. */
const POOL_SIZE = 3;
const IDLE_TIMEOUT_MS = 30 * MINUTE_MS;
/**
 * A client that was idle for this long is tested before it is used: a firewall may have cut its connection silently.
 */
const CHECK_AFTER_IDLE_MS = MINUTE_MS;
/** The limit for the end of the whole pool; the end of each client has a limit of one second. */
const CLOSE_MS = 2_000;
/**
 * The delay of the first keep-alive packet. The system's own delay is two hours, and a firewall forgets a quiet
 * connection long before.
 */
const KEEP_ALIVE_MS = 30_000;

/**
 * How to connect; createClient then sets the session. Candles are read by unnamed statements only, since the plan of a
 * named statement may become a generic one, which locks every leaf.
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
  /** Where `url` came from: faults of a connection name it. */
  readonly address: AddressName;
  readonly name: string;
  readonly pool: pg.Pool;
  /** Clients of the pool with the time of their last use, for the check before use. */
  readonly lastUsed: WeakMap<pg.PoolClient, number>;
  /** The clients that are connected. */
  readonly clients: Set<pg.PoolClient>;
  /**
   * Called with the server of each new session (session-settings.ts): sessions that hold locks belong to one server.
   */
  readonly locked: Set<(server: string) => void>;
};

const SessionClient = new Proxy(pg.Client, {
  construct: (_, [config]: [pg.ClientConfig]) => createClient(config),
});

/** Opens a pool for `name` (shown as application_name). Nothing connects before the first statement. */
export function openDatabase(url: string, name: string, address: AddressName = "DB_URL"): Database {
  const pool = new pg.Pool({
    ...clientConfig(url, name),
    max: POOL_SIZE,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    allowExitOnIdle: true,
    Client: SessionClient,
  });
  // the pool removes an idle client that the server drops; without a listener the error would end the process
  pool.on("error", () => {});
  // the same for a client in use: the pool removes its own listener while somebody has the client
  const clients = new Set<pg.PoolClient>();
  const locked: Database["locked"] = new Set();
  pool.on("connect", (client) => {
    client.on("error", () => {});
    clients.add(client);
    // the user of the client gets the error of a session that could not be set (withClient)
    sessionOf(client).then(
      ({ server }) => tellServer({ locked }, server),
      () => {},
    );
  });
  pool.on("remove", (client) => clients.delete(client as pg.PoolClient));
  return { url, address, name, pool, lastUsed: new WeakMap(), clients, locked };
}

/**
 * A client beside the pool, with the name of the database. It connects by `connect()`, and the caller ends it. A lost
 * connection makes the next statement fail; without a listener the loss would end the process.
 */
export function openClient(
  { url, name, address }: Pick<Database, "url" | "name" | "address">,
  connectMs?: number,
): pg.Client {
  const config = clientConfig(url, name);
  try {
    const client = createClient(
      connectMs === undefined ? config : { ...config, connectionTimeoutMillis: connectMs },
    );
    return client.on("error", () => {});
  } catch (error) {
    throw nameAddress(error, address);
  }
}

/** Tells all sessions that hold locks on which server a new session is. */
export function tellServer({ locked }: Pick<Database, "locked">, server: string): void {
  for (const tell of locked) tell(server);
}

/** Ends the pool. A connection that hangs is not waited for, and does not keep the process. */
export async function closeDatabase({ pool, clients }: Database): Promise<void> {
  const over = new AbortController();
  const closed = pool.end().catch(() => {});
  await Promise.race([closed, wait(CLOSE_MS, undefined, { signal: over.signal }).catch(() => {})]);
  over.abort();
  // a client whose statement hangs would keep the process
  for (const client of clients) cutClient(client);
}

/** Runs `work` with a tested client of the pool. Errors come out as what they mean for the run (fault.ts). */
export async function withClient<T>(db: Database, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await takeClient(db);
  let broken = false;
  try {
    const result = await work(client);
    await sessionOf(client);
    return result;
  } catch (error) {
    broken = isConnectionError(error);
    throw await faultOf(db, client, error);
  } finally {
    db.lastUsed.set(client, performance.now());
    client.release(broken);
  }
}

/** The rows of one statement on a client of the pool. */
export async function queryRows<Row extends pg.QueryResultRow>(
  db: Database,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  return (await withClient(db, (client) => client.query<Row>(text, [...values]))).rows;
}

/** What an error of a client means. An error of its session comes first, since later errors only follow from it. */
export async function faultOf(
  db: Pick<Database, "url" | "name" | "address">,
  client: pg.ClientBase,
  error: unknown,
): Promise<unknown> {
  if (kindOf(error) === "damage")
    await (await import("./connection/damage.ts")).nameDamaged(() => openClient(db), error);
  const fault = await sessionOf(client).then(
    ({ role }) => translate(error, role),
    (ofSession: unknown) => translate(isConnectionError(ofSession) ? error : ofSession),
  );
  return nameAddress(fault, db.address);
}

/** What an error of a connection to this database means, where no session can say more. */
export function faultOfConnection({ address }: Pick<Database, "address">, error: unknown): unknown {
  return nameAddress(translate(error), address);
}

/** A client of the pool that answers. The caller gives it back. */
async function takeClient(db: Database): Promise<pg.PoolClient> {
  for (;;) {
    const client = await db.pool.connect().catch((error: unknown) => {
      throw faultOfConnection(
        db,
        isPoolBusy(db, error) ? new TryAgain(ALL_AT_WORK, { cause: error }) : error,
      );
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
