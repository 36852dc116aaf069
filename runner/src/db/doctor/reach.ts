import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import { TLSSocket } from "node:tls";
import type pg from "pg";
import { messageOf, SettingsFault } from "../../errors.ts";
import { NOW } from "../clock.ts";
import { type Database, openClient } from "../connect.ts";
import { meaningOfLogin } from "../connection/login.ts";
import { parseTls, type Tls } from "../connection/tls.ts";
import { isTlsRefusal } from "../connection/tls-fault.ts";
import { codeOf, reasonOfLogin } from "../fault.ts";
import { onlyRow } from "../only-row.ts";
import { DATABASE_FACTS, type DatabaseFacts } from "../schema/requirements.ts";
import { readRow, withReader } from "./reader.ts";

/** The result of an attempt to connect: `step` is the step that failed. No message contains the URL. */
export type Reach =
  | { readonly step: "host" | "port"; readonly address: string; readonly message: string }
  | { readonly step: "login"; readonly address: string; readonly message: string; readonly remedy?: string }
  | { readonly step: "tls"; readonly address: string; readonly message: string; readonly remedy: string }
  | { readonly step: "in"; readonly address: string; readonly ms: number; readonly transport: Transport };

/** The protection that the connection has. */
export type Transport = Pick<Tls, "trust" | "isLocal" | "rootCert"> & {
  /** E.g. TLSv1.3. Null without encryption. */
  readonly protocol: string | null;
  /** End of the server's certificate (ms). Null without a certificate. */
  readonly validTo: number | null;
};

/** Shorter than the time limit of a check, so that the check itself can report a firewall that drops packets. */
const PORT_MS = 3_000;

/** Tries each step to the database: the name of the host, the port, TLS, the login. */
export async function reachDatabase(url: string, signal: AbortSignal): Promise<Reach> {
  const startedAt = performance.now();
  const client = openClient({ url, name: "doctor", address: "DB_URL" }, PORT_MS);
  const address = client.host.startsWith("/") ? client.host : `${client.host}:${client.port}`;
  if (!client.host.startsWith("/")) {
    const missing = await lookup(client.host).then(() => null, messageOf);
    if (missing !== null) return { step: "host", address, message: missing };
    const closed = await knock(client.host, client.port, signal).then(() => null, messageOf);
    if (closed !== null) return { step: "port", address, message: closed };
  }
  const cut = () => client.end();
  signal.addEventListener("abort", cut, { once: true });
  try {
    await client.connect();
    const ms = performance.now() - startedAt;
    return { step: "in", address, ms, transport: describeTransport(client, url) };
  } catch (error) {
    if (isTlsRefusal(error))
      return { step: "tls", address, message: error.tls.reason, remedy: error.tls.remedy };
    const code = codeOf(error);
    // if the host is a path, the port was not tried before
    const isClosed = error instanceof Error && "syscall" in error && error.syscall === "connect";
    const message = `${reasonOfLogin(error)}${code === null ? "" : ` (${code})`}`;
    if (isClosed) return { step: "port", address, message };
    // limits of the role or of the database ended the session
    if (error instanceof SettingsFault) return { step: "login", address, message: error.faults.join("; ") };
    const remedy = meaningOfLogin(error)?.remedy;
    return { step: "login", address, message, ...(remedy !== undefined && { remedy }) };
  } finally {
    signal.removeEventListener("abort", cut);
    await client.end().catch(() => {});
  }
}

/** Taken from this side of the connection: behind a pooler, the server only knows the pooler's connection. */
function describeTransport({ connection: { stream } }: pg.Client, url: string): Transport {
  const { trust, isLocal, rootCert } = parseTls(url);
  const socket = stream instanceof TLSSocket ? stream : null;
  const validTo = Date.parse(socket?.getPeerCertificate().valid_to ?? "");
  return {
    ...{ trust, isLocal, rootCert },
    protocol: socket?.getProtocol() ?? null,
    validTo: Number.isNaN(validTo) ? null : validTo,
  };
}

async function knock(host: string, port: number, signal: AbortSignal): Promise<void> {
  const socket = connect({ host, port, signal });
  const opened = Promise.withResolvers<void>();
  socket.once("connect", opened.resolve).on("error", opened.reject);
  socket.setTimeout(PORT_MS, () => opened.reject(new Error(`no answer within ${PORT_MS / 1000} s`)));
  try {
    await opened.promise;
  } finally {
    socket.destroy();
  }
}

const SERVER = `
  ${DATABASE_FACTS}, current_user as role, pg_is_in_recovery() as "isStandby",
         current_setting('default_transaction_read_only') = 'on' as "isReadOnly",
         (select source from pg_settings where name = 'default_transaction_read_only') as "readOnlyFrom"`;

export type ServerRow = DatabaseFacts & {
  role: string;
  isStandby: boolean;
  /** The setting of the server, of the database or of the role. */
  isReadOnly: boolean;
  /** Where that setting comes from, as pg_settings has it: `database`, `user`, `configuration file`. */
  readOnlyFrom: string;
};

/** Facts about the server and about this connection. */
export async function readServer(db: Database, signal: AbortSignal): Promise<ServerRow> {
  return readRow(db, signal, SERVER);
}

/** How far this machine's clock is ahead of the database's clock (ms). The error is at most half of the round trip. */
export async function readDatabaseClock(db: Database, signal: AbortSignal): Promise<number> {
  return withReader(db, signal, async (client) => {
    const sentAt = Date.now();
    const { ms } = onlyRow((await client.query<{ ms: number }>(NOW)).rows);
    return (sentAt + Date.now()) / 2 - ms;
  });
}

const PID = "select pg_backend_pid() as pid";

/**
 * Finds out whether several backends serve one connection, as behind a pooler in transaction mode. A second connection
 * holds a transaction open meanwhile, because an idle pooler would use the same backend each time.
 */
export async function findPooler(db: Database, signal: AbortSignal): Promise<{ readonly pids: number[] }> {
  const sessions = [0, 1].map(() => openClient(db));
  const [one, other] = sessions;
  if (one === undefined || other === undefined) throw new Error("two sessions are made");
  const end = async () => {
    await Promise.all(sessions.map((session) => session.end().catch(() => {})));
  };
  signal.addEventListener("abort", end, { once: true });
  const pidOf = async (session: pg.Client) => onlyRow((await session.query<{ pid: number }>(PID)).rows).pid;
  try {
    await Promise.all(sessions.map((session) => session.connect()));
    const pids = [await pidOf(one)];
    await other.query("begin");
    await pidOf(other);
    for (let round = 0; round < 3; round += 1) pids.push(await pidOf(one));
    await other.query("rollback");
    return { pids: [...new Set(pids)] };
  } finally {
    signal.removeEventListener("abort", end);
    await end();
  }
}
