import { existsSync } from "node:fs";
import * as fs from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, DatabaseError, escapeIdentifier } from "pg";
import { isAlive, tolerate, withLock } from "../install/file-lock.js";
import { initialise } from "./initialise.ts";
import { isServer, locate, PASSWORD_FILE, type Place, runTool } from "./place.ts";
import { type PortWish, pickPort } from "./port.ts";
import { withClient } from "./with-client.ts";

export interface PostgresOptions {
  /** The folder of this server; made when missing. As root the data lies elsewhere, see `DevPostgres.home`. */
  readonly dir: string;
  readonly log?: (line: string) => void;
  /** 127.0.0.1 unless containers must reach the server. */
  readonly host?: "127.0.0.1" | "0.0.0.0";
  /** False gives up the data's safety for speed: tests only. */
  readonly fsync?: boolean;
  /** False makes new data without checksums of its pages: tests only. */
  readonly checksums?: boolean;
  /** Of a server that this call starts: any free one unless a person connects to it again and again. */
  readonly port?: PortWish;
  /** Folder of another PostgreSQL's initdb and pg_ctl (15 or newer) instead of the npm package's. */
  readonly binDir?: string;
}

export interface DevPostgres {
  readonly port: number;
  /** Holds data, log and lock file: `dir`, or as root a folder under /var/lib. */
  readonly home: string;
  readonly dataDir: string;
  /** Whether this call started the server or joined one that was running. */
  readonly ownership: "started" | "attached";
  /** Connection string of a database of this server; it contains the password. */
  url(database: string): string;
  /** Resolves when the server ends, or this program has left it. */
  readonly gone: Promise<void>;
  /** Leaves the server, and stops it unless other clients are connected; `force` disconnects them. */
  stop(options?: { readonly force?: boolean }): Promise<void>;
}

type Log = (line: string) => void;

/** The connection that each program keeps open for as long as it needs the server, so that others see it. */
interface Presence {
  readonly client: Client;
  readonly backendPid: number;
  readonly socket: Socket;
  readonly port: number;
  readonly url: DevPostgres["url"];
  readonly gone: Promise<void>;
}

const PRESENCE_NAME = "r3a-dev";
const LEAVING_NAME = "r3a-dev leaving";
const ANSWER_MS = 120_000;
const LEAVING_MS = 2_000;

/** Starts the PostgreSQL of a folder, or joins the one that already runs there; safe for several at once. */
export async function startPostgres(options: PostgresOptions): Promise<DevPostgres> {
  const { log = () => {}, host = "127.0.0.1", fsync = true } = options;
  const place = await locate(options.dir, options.binDir);
  const { home, dataDir } = place;
  const locked = <T>(action: () => Promise<T>) => withLock(join(home, "lock"), action);
  return locked(async () => {
    if (!existsSync(join(dataDir, PASSWORD_FILE))) await initialise(place, options, log);
    const running = await attach(place, host, log);
    if (!running) await launch(place, { host, fsync, port: options.port });
    const presence = running ?? (await attach(place, host, log));
    if (!presence)
      throw new Error(`PostgreSQL in ${dataDir} ended right after its start; see ${place.logFile}`);
    // a program that forgets stop() must still be able to end
    presence.socket.unref();
    const ownership = running ? "attached" : "started";
    log(`PostgreSQL ${ownership} on port ${presence.port}, data in ${dataDir}`);
    let left: Promise<void> | undefined;
    return {
      ...{ home, dataDir, ownership, port: presence.port, url: presence.url, gone: presence.gone },
      stop: ({ force = false } = {}) => {
        left ??= locked(() => leave(place, presence, { force, log }));
        return left;
      },
    };
  });
}

/** Creates the database unless it exists; safe for several at once. Returns whether this call created it. */
export async function ensureDatabase(server: Pick<DevPostgres, "url">, name: string): Promise<boolean> {
  return withClient(server.url("postgres"), async (client) => {
    for (let attempt = 1; ; attempt++) {
      if ((await client.query("SELECT FROM pg_database WHERE datname = $1", [name])).rowCount) return false;
      try {
        await client.query(`CREATE DATABASE ${escapeIdentifier(name)}`);
        return true;
      } catch (error) {
        // another was first (42P04, 23505) or copies the same template right now (55006): look again
        const code = error instanceof DatabaseError ? error.code : undefined;
        if (attempt === 100 || !["42P04", "23505", "55006"].includes(code ?? "")) throw error;
        await sleep(50 + Math.random() * 100);
      }
    }
  });
}

type LaunchOptions = {
  readonly host: string;
  readonly fsync: boolean;
  readonly port: PortWish | undefined;
};

async function launch(place: Place, { host, fsync, port }: LaunchOptions): Promise<void> {
  const { dataDir, logFile } = place;
  const settings = [`listen_addresses=${host}`, "unix_socket_directories=", "shared_buffers=256MB"];
  settings.push("max_connections=100", "timezone=UTC", "log_timezone=UTC");
  if (!fsync) settings.push("fsync=off", "full_page_writes=off");
  for (let attempt = 1; ; attempt++) {
    const flags = [...settings, `port=${await pickPort(place.home, host, port)}`]
      .map((setting) => `-c ${setting}`)
      .join(" ");
    try {
      const args = ["-D", dataDir, "-l", logFile, "-w", "-t", "300", "-o", flags];
      return await runTool(place, "pg_ctl", ["start", ...args]);
    } catch (error) {
      // another program took the port first, or a killed server's last children are still leaving
      if (attempt === 20 || !/could not bind|still in use/.test(String(error))) throw error;
      await sleep(250);
    }
  }
}

/** Joins the folder's server, waiting for one that is starting or stopping; undefined when none runs. */
async function attach(place: Place, host: string, log: Log): Promise<Presence | undefined> {
  const { dataDir } = place;
  const pidFile = join(dataDir, "postmaster.pid");
  let refusal: unknown;
  for (const deadline = Date.now() + ANSWER_MS; Date.now() < deadline; await sleep(100)) {
    const text = (await fs.readFile(pidFile, "utf8").catch(tolerate("ENOENT"))) ?? "";
    const [pid, , , port, , address, , status] = text.split("\n").map((line) => line.trim());
    if (!(await isServer(Number(pid), dataDir))) {
      // PostgreSQL clears the file of a dead process itself, but not when the number belongs to another now
      if (isAlive(Number(pid))) await fs.rm(pidFile, { force: true });
      return undefined;
    }
    if (status !== "ready") continue;
    if (host === "0.0.0.0" && address !== host)
      throw new Error(`PostgreSQL in ${dataDir} runs on ${address}: stop it first`);
    try {
      return await connect(dataDir, Number(port), log);
    } catch (error) {
      if (error instanceof DatabaseError && error.code?.startsWith("28")) throw error;
      refusal = error;
    }
  }
  throw new Error(`PostgreSQL in ${dataDir} runs but does not answer`, { cause: refusal });
}

async function connect(dataDir: string, port: number, log: Log): Promise<Presence> {
  const password = await fs.readFile(join(dataDir, PASSWORD_FILE), "utf8");
  const url = (name: string) =>
    `postgresql://postgres:${password}@127.0.0.1:${port}/${encodeURIComponent(name)}`;
  const socket = new Socket();
  const client = new Client({
    connectionString: url("postgres"),
    application_name: PRESENCE_NAME,
    connectionTimeoutMillis: 5_000,
    stream: () => socket,
  });
  client.on("error", (error) => log(`PostgreSQL closed its connection: ${error.message}`));
  const gone = new Promise<void>((resolve) => client.once("end", resolve));
  await client.connect();
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return { client, backendPid: rows[0]?.pid ?? 0, socket, port, url, gone };
}

async function leave(
  place: Place,
  presence: Presence,
  { force, log }: { readonly force: boolean; readonly log: Log },
): Promise<void> {
  presence.socket.ref();
  await presence.client.end();
  const last = await attach(place, "127.0.0.1", log);
  if (!last) return;
  let needed = false;
  try {
    await last.client.query(`SET application_name = '${LEAVING_NAME}'`);
    needed = !force && (await isNeeded(last.client, presence.backendPid));
  } finally {
    await last.client.end();
  }
  if (needed) return;
  await runTool(place, "pg_ctl", ["stop", "-D", place.dataDir, "-m", "fast", "-w"], { detached: true });
  log("PostgreSQL stopped");
}

/** Whether clients remain. Waits until our own closed connections are gone, which the server sees a moment later. */
async function isNeeded(client: Client, ownPid: number): Promise<boolean> {
  for (const deadline = Date.now() + LEAVING_MS; ; await sleep(50)) {
    const { rows } = await client.query<{ clients: number; programs: number; own: number }>(
      `SELECT count(*)::int AS clients, count(*) FILTER (WHERE pid = $1)::int AS own,
              count(*) FILTER (WHERE pid <> $1 AND application_name = $2)::int AS programs
         FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> $3`,
      [ownPid, PRESENCE_NAME, LEAVING_NAME],
    );
    const { clients = 0, own = 0, programs = 0 } = rows[0] ?? {};
    if (clients === 0) return false;
    if ((programs > 0 && own === 0) || Date.now() > deadline) return true;
  }
}
