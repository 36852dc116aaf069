import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Pool, type QueryResultRow } from "pg";
import { afterAll, beforeAll } from "vitest";
import { isServer, locate, type Place, runTool } from "../../../dev/postgres/place.ts";
import { type DevPostgres, startPostgres } from "../../../dev/postgres/postgres.ts";
import type { UsedDatabase } from "./database.ts";
import { copySeed, type ServerVariant } from "./seed.ts";

/** A server for one test file, with its data's safety switched on, that tests may kill and start again. */
export type OwnServer = UsedDatabase & {
  readonly place: Place;
  /** Connection string of another database of the server. */
  urlOf(database: string): string;
  /** SIGKILL for the server and all its processes, as when the machine's memory is full. */
  kill(): Promise<void>;
  /** Stops at once, without a checkpoint; the server says so to its clients. */
  halt(): Promise<void>;
  /** Stops as an operator does: every page and the statistics are in the files. */
  stop(): Promise<void>;
  /** Starts again on the same port and recovers; does nothing where it runs. */
  start(): Promise<void>;
};

type Started = {
  readonly server: DevPostgres;
  readonly place: Place;
  readonly options: readonly string[];
  pool: Pool;
};

/** Registers the server for the test file; `prepare` runs before the first test connects to its migrated database r3a. */
export function useOwnServer(
  prepare: (server: OwnServer) => Promise<void> = async () => {},
  { binDir = process.env.R3A_TEST_PG_BIN, ...variant }: ServerVariant = {},
): OwnServer {
  let started: Started | undefined;
  let dir = "";
  const running = (): Started => {
    if (started === undefined) throw new Error("the server runs from beforeAll to afterAll");
    return started;
  };
  const openPool = (connectionString: string): Pool => {
    const pool = new Pool({ connectionString, max: 3 });
    pool.on("error", () => {});
    return pool;
  };
  const own: OwnServer = {
    get url() {
      return running().server.url("r3a");
    },
    get place() {
      return running().place;
    },
    urlOf: (database) => running().server.url(database),
    async query<Row extends QueryResultRow>(sql: string, params: readonly unknown[] = []) {
      return (await running().pool.query<Row>(sql, [...params])).rows;
    },
    async kill() {
      const { place } = running();
      const pid = await postmasterOf(place);
      const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ");
      for (const each of [pid, ...children.map(Number)]) killIfThere(each);
      while (await isServer(pid, place.dataDir)) await sleep(10);
    },
    halt: () => stopAs(running().place, "immediate"),
    stop: () => stopAs(running().place, "fast"),
    async start() {
      const { place, options } = running();
      if (await isServer(await postmasterOf(place).catch(() => 0), place.dataDir)) return;
      // no parent has waited for the killed process yet, so its number still counts as a server's
      await rm(join(place.dataDir, "postmaster.pid"), { force: true });
      const flags = ["start", "-D", place.dataDir, "-l", place.logFile, "-w", "-t", "60"];
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await runTool(place, "pg_ctl", [...flags, "-o", options.join(" ")]);
        } catch (error) {
          // the last children of a killed server are still leaving
          if (attempt === 50 || !/still in use|could not bind/.test(String(error))) throw error;
          await sleep(100);
        }
      }
    },
  };
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "r3a-own-"));
    const place = await locate(dir, binDir);
    await copySeed(place, { ...variant, binDir });
    const server = await startPostgres({ dir, ...(binDir && { binDir }) });
    const opts = await readFile(join(place.dataDir, "postmaster.opts"), "utf8");
    const options = [...opts.matchAll(/"-c" "([^"]*)"/g)].map(([, setting]) => `-c ${setting}`);
    started = { server, place, options, pool: openPool(server.url("r3a")) };
    await prepare(own);
  });
  afterAll(async () => {
    if (started === undefined) return;
    await started.pool.end();
    await started.server.stop({ force: true });
    for (const path of [started.place.home, dir]) await rm(path, { recursive: true, force: true });
  });
  return own;
}

async function stopAs(place: Place, mode: "fast" | "immediate"): Promise<void> {
  const pid = await postmasterOf(place);
  await runTool(place, "pg_ctl", ["stop", "-D", place.dataDir, "-m", mode, "-w"]).catch(
    async (error: unknown) => {
      // the pid file may go away while pg_ctl reads it
      if (await isServer(pid, place.dataDir)) throw error;
    },
  );
}

async function postmasterOf({ dataDir }: Place): Promise<number> {
  return Number((await readFile(join(dataDir, "postmaster.pid"), "utf8")).split("\n")[0]);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Runs a system command to its end; false where it fails or does not exist. */
export async function runCommand(command: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: "ignore" });
    child.on("error", () => resolve(false));
    child.on("exit", (code) => resolve(code === 0));
  });
}
