import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool, type QueryResultRow } from "pg";
import { type SimulatedExchange, startExchange } from "../../dev/exchange/exchange.ts";
import { ensureDatabase, startPostgres } from "../../dev/postgres/postgres.ts";

const DATABASE = "r3a";
/** Enough for `--top 20` to be more than the universe of 5, few enough for a first run of seconds. */
const SYMBOLS = 10;

/** PostgreSQL and the simulated exchange, where pods reach them. */
export type Servers = {
  readonly exchange: SimulatedExchange;
  readonly databasePort: number;
  /** As the pods use it; holds the password. */
  readonly databaseUrl: string;
  query<Row extends QueryResultRow>(sql: string, params?: readonly unknown[]): Promise<Row[]>;
  /** Stops PostgreSQL as a crash of its machine would: every connection is cut and new ones are refused. */
  stopDatabase(): Promise<void>;
  startDatabase(): Promise<void>;
  stop(): Promise<void>;
};

/** One port that stays while the server behind it comes back on another one. */
async function forwardPort(target: () => number): Promise<{ port: number; close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target(), "127.0.0.1");
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from
        .on("error", () => to.destroy())
        .on("close", () => {
          sockets.delete(from);
          to.destroy();
        });
      from.pipe(to);
    }
  });
  server.listen(0, "0.0.0.0");
  await once(server, "listening");
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

/** `host`: this machine's address as pods see it. */
export async function startServers(host: string): Promise<Servers> {
  const dir = await mkdtemp(join(tmpdir(), "r3a-e2e-"));
  const start = () => startPostgres({ dir, fsync: false });
  const open = () => {
    const opened = new Pool({ connectionString: server.url(DATABASE), max: 2 });
    opened.on("error", () => {});
    return opened;
  };
  let server = await start();
  await ensureDatabase(server, DATABASE);
  const entrance = await forwardPort(() => server.port);
  // generated candles only, so that all intervals reconcile
  const exchange = await startExchange({ host: "0.0.0.0", recorded: false, symbols: SYMBOLS });
  let pool = open();
  const url = new URL(server.url(DATABASE));
  url.hostname = host;
  url.port = String(entrance.port);
  // the server has no TLS, and for pods it is at the other end of a network
  url.searchParams.set("sslmode", "disable");
  const stopDatabase = async () => {
    await pool.end();
    await server.stop({ force: true });
  };
  return {
    exchange,
    databasePort: entrance.port,
    databaseUrl: url.href,
    query: async <Row extends QueryResultRow>(sql: string, params: readonly unknown[] = []) =>
      (await pool.query<Row>(sql, [...params])).rows,
    stopDatabase,
    async startDatabase() {
      server = await start();
      pool = open();
    },
    async stop() {
      entrance.close();
      await exchange.stop();
      await stopDatabase();
      for (const folder of [server.home, dir]) await rm(folder, { recursive: true, force: true });
    },
  };
}
