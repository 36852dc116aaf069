import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildRunner, compileRunner, NODE_FLAGS, nodeEnvironment } from "../dev/build.ts";
import { ensureDatabase, startPostgres } from "../dev/postgres/postgres.ts";
import { migrate } from "../runner/src/db/schema/migrate.ts";

/** What every measurement runs on: a server with fsync, the bundle as in the image, exchanges in their own processes. */
export type Stage = {
  readonly bundle: string;
  /** For files of a measurement; goes with the stage. */
  readonly folder: string;
  /** A new migrated database; returns its URL. */
  database(): Promise<string>;
  /** A new database without any schema; returns its URL. */
  emptyDatabase(): Promise<string>;
  /** Starts a simulated exchange without a weight limit; returns its URL. */
  exchange(args: readonly string[]): Promise<string>;
  /** Runs a program to its end; throws where it ends with a code that is not allowed. */
  run(args: readonly string[], how?: How): Promise<Finished>;
  close(): Promise<void>;
};

/** The program (default: the bundle), its environment, and the exit codes that it may end with (default: 0). */
export type How = {
  readonly program?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly allowed?: readonly number[];
};

export type Finished = {
  readonly code: number;
  readonly ms: number;
  readonly peakRssMb: number;
  readonly stdout: string;
};

const root = fileURLToPath(new URL("..", import.meta.url));

export async function openStage(): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), "r3a-bench-"));
  const server = await startPostgres({ dir });
  const built = join(root, "dist/bench");
  await buildRunner(built);
  await compileRunner(built);
  const bundle = join(built, "main.js");
  const exchanges: ReturnType<typeof spawn>[] = [];
  let databases = 0;
  const emptyDatabase = async () => {
    databases += 1;
    const name = `bench_${databases}`;
    await ensureDatabase(server, name);
    return server.url(name);
  };
  return {
    bundle,
    folder: dir,
    emptyDatabase,
    async database() {
      const url = await emptyDatabase();
      await migrate(url);
      return url;
    },
    async exchange(args) {
      const fixed = ["--port", "0", "--weight-limit", "none", "--no-recorded"];
      const child = spawn(process.execPath, [join(root, "dev/exchange/main.ts"), ...fixed, ...args], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      exchanges.push(child);
      const [line] = (await once(child.stdout, "data")) as [Buffer];
      const url = /http:\/\/\S+/.exec(line.toString())?.[0];
      if (url === undefined) throw new Error(`the exchange said: ${line}`);
      return url;
    },
    run: (args, { program = bundle, env = {}, allowed = [0] } = {}) =>
      runToEnd(args, { program, env, allowed, rssFile: join(dir, "peak-rss") }),
    async close() {
      for (const child of exchanges) child.kill();
      await server.stop({ force: true });
      await rm(dir, { recursive: true, force: true });
      await rm(server.home, { recursive: true, force: true });
      await rm(built, { recursive: true, force: true });
    },
  };
}

async function runToEnd(
  args: readonly string[],
  { program, env, allowed, rssFile }: Required<How> & { readonly rssFile: string },
): Promise<Finished> {
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    [...NODE_FLAGS, "--import", join(root, "bench/peak-rss.js"), program, ...args],
    {
      env: {
        PATH: process.env.PATH ?? "",
        LOG_LEVEL: "warn",
        R3A_BENCH_RSS_FILE: rssFile,
        ...nodeEnvironment(dirname(program)),
        ...env,
      },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let stdout = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  const [code] = (await once(child, "close")) as [number | null];
  const ms = performance.now() - startedAt;
  if (code === null || !allowed.includes(code))
    throw new Error(`${program} ${args.join(" ")} ended with ${code}`);
  return { code, ms, stdout, peakRssMb: Number(await readFile(rssFile, "utf8")) / 1024 };
}
