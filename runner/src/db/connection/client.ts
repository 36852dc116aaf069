import type { Socket } from "node:net";
import { Readable } from "node:stream";
import pg from "pg";
import { messageOf, SettingsFault } from "../../errors.ts";
import { codeOf, markLogin } from "../fault.ts";
import { meaningOf } from "../sqlstate.ts";
import {
  checkSession,
  faultOfLimit,
  SET_SESSION,
  type Session,
  type SessionRow,
} from "./session-settings.ts";
import { parseTls, type Tls } from "./tls.ts";
import { faultOfTls, guardLogin, refusalOf, type TlsRefusal } from "./tls-fault.ts";
import { withoutTls } from "./url-parameters.ts";
import { watchStatement } from "./watch.ts";

/** The limit for the end of a session; a server that answers needs much less. */
const CLOSE_MS = 1_000;

/** The session of each client, once its settings are checked. */
const sessions = new WeakMap<pg.ClientBase, Promise<Session>>();

/** The session of a client that is connected. Rejects where the settings could not be made what they must be. */
export async function sessionOf(client: pg.ClientBase): Promise<Session> {
  const session = sessions.get(client);
  if (session === undefined) throw new Error("Connection terminated before the session was set");
  return session;
}

/** Closes the socket at once. A statement that is under way rejects, with `reason` where there is one. */
export function cutClient(client: pg.ClientBase, reason?: Error): void {
  (client as pg.Client).connection.stream.destroy(reason);
}

/**
 * A client whose session is set as the code needs it (session-settings.ts). `connect()` resolves when this is checked.
 * With a callback, as a pool calls it, the first statement is sent right behind the settings, without waiting for their
 * answer: so they cost the minute job no round trip. The user of such a client must ask `sessionOf` after its first
 * statement.
 */
export function createClient(config: pg.ClientConfig): pg.Client {
  const tls = readTls(config);
  const client = makeClient(config, tls);
  const [connect, end] = [client.connect.bind(client), client.end.bind(client)];
  watchStatements(client, () => makeClient(config, readTls(config)));
  const start = async () => {
    sendTogether(client);
    let ended: unknown = null;
    const onEnd = (error: unknown) => {
      ended = error;
    };
    // an error between the login and the first statement belongs to no statement
    client.once("error", onEnd);
    try {
      const { rows } = await client.query<SessionRow>(SET_SESSION);
      return checkSession(rows[0]);
    } catch (error) {
      throw faultOfLimit(codeOf(error)) ?? faultOfLimit(codeOf(ended)) ?? error;
    } finally {
      client.off("error", onEnd);
    }
  };
  const open = () => {
    const session = start();
    sessions.set(client, session);
    session.catch(() => cutClient(client));
    return session;
  };
  return Object.assign(client, {
    connect(callback?: (error: Error) => void) {
      if (callback === undefined)
        return connect()
          .catch((error: unknown) => {
            throw asFault(error, tls);
          })
          .then(open)
          .then(() => client);
      // a pool forgets a client that could not connect; its socket would keep the process until the server hangs up (60 s)
      let isOver = false;
      return connect((error: Error) => {
        // a login that was broken off here may still succeed in the next message of the server
        if (isOver) return;
        isOver = true;
        if (error) client.end().catch(() => {});
        else void open();
        callback(error && asFault(error, tls));
      });
    },
    end(callback?: () => void) {
      // a server that hangs, or a network that swallows everything, never ends the session
      const late = setTimeout(() => cutClient(client), CLOSE_MS);
      const ended = () => clearTimeout(late);
      client.once("end", ended);
      return end().then(ended).then(callback);
    },
  });
}

/** A client as DB_URL describes it; its session has still the settings of the server. */
function makeClient(config: pg.ClientConfig, tls: Tls): pg.Client {
  const client = new pg.Client({
    ...config,
    connectionString: withoutTls(config.connectionString ?? ""),
    ssl: tls.ssl,
    sslnegotiation: tls.isDirect ? "direct" : "postgres",
    enableChannelBinding: tls.channelBinding !== "disable",
  });
  guardLogin(client, tls);
  return client;
}

/** The files that DB_URL names may be gone since DB_URL was parsed. The next connection takes a renewed file. */
function readTls({ connectionString = "" }: pg.ClientConfig): Tls {
  try {
    return parseTls(connectionString);
  } catch (error) {
    throw new SettingsFault([`DB_URL ${messageOf(error)}`]);
  }
}

/**
 * Where no safe connection could be made, DB_URL or the certificate of the server is wrong; other errors come out as
 * they are.
 */
function asFault<E>(error: E, tls: Tls): E | TlsRefusal {
  const fault = faultOfTls(error, tls);
  return fault === null ? markLogin(error) : refusalOf(fault);
}

type Stream = { readonly once: (event: string, callback: () => void) => unknown };

/** Every statement is watched, also those that the driver or node-pg-migrate send; see watch.ts. */
function watchStatements(client: pg.Client, makeOther: () => pg.Client): void {
  const query = client.query.bind(client) as (...args: readonly unknown[]) => unknown;
  let pid: number | null = null;
  const watched = {
    makeOther,
    pid: () => pid,
    bytesRead: () => (client.connection.stream as Socket).bytesRead,
    cut: (reason: Error) => cutClient(client, reason),
  };
  const watchedQuery = (...args: readonly unknown[]): unknown => {
    const [asked] = args;
    const text = typeof asked === "string" ? asked : (asked as { readonly text?: string }).text;
    const isUnread = () => asked instanceof Readable && asked.readableLength > 0;
    const { end, explain } = watchStatement(watched, { text: text ?? "copy", isUnread });
    const answer = query(...args);
    if (answer instanceof Promise) {
      return answer.finally(end).then(
        (result: unknown) => {
          if (text === SET_SESSION) pid = (result as pg.QueryResult<SessionRow>).rows[0]?.pid ?? null;
          return result;
        },
        async (error: unknown) => {
          if (meaningOf(codeOf(error) ?? "")?.kind === "damage")
            await (await import("./damage.ts")).nameDamaged(makeOther, error);
          throw explain(error);
        },
      );
    }
    if (answer === undefined) end();
    else {
      for (const event of ["finish", "error", "close"]) (answer as Stream).once(event, end);
      // the server may be done long before the reader is
      client.once("drain", end);
    }
    return answer;
  };
  Object.assign(client, { query: watchedQuery });
}

/** The statements until the first pause are sent without waiting for the answers to the earlier ones. */
function sendTogether(client: pg.Client): void {
  const mode = client as { pipeline: boolean };
  mode.pipeline = true;
  client.once("drain", () => {
    mode.pipeline = false;
  });
}
