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
  /** A new migrated database; returns its URL. */
  database(): Promise<string>;
  /** A new database without any schema; returns its URL. */
  emptyDatabase(): Promise<string>;
  /** Starts a simulated exchange without a weight limit; returns its URL. */
  exchange(args: readonly string[]): Promise<string>;
  /** Runs a program to its end; throws where it ends with a code that is not `allowed` (default: 0). */
  run(
    program: string,
    args: readonly string[],
    env: Record<string, string>,
    allowed?: readonly number[],
  ): Promise<Finished>;
  close(): Promise<void>;
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
  const bundle = join(root, "dist/bench");
  await buildRunner(bundle);
  await compileRunner(bundle);
  const exchanges: ReturnType<typeof spawn>[] = [];
  let databases = 0;
  const emptyDatabase = async () => {
    databases += 1;
    const name = `bench_${databases}`;
    await ensureDatabase(server, name);
    return server.url(name);
  };
  return {
    bundle: join(bundle, "main.js"),
    emptyDatabase,
    async database() {
      const url = await emptyDatabase();
      await migrate(url);
      return url;
    },
    async exchange(args) {
      const child = spawn(
        process.execPath,
        [
          join(root, "dev/exchange/main.ts"),
          "--port",
          "0",
          "--weight-limit",
          "none",
          "--no-recorded",
          ...args,
        ],
        { stdio: ["ignore", "pipe", "inherit"] },
      );
      exchanges.push(child);
      const [line] = (await once(child.stdout, "data")) as [Buffer];
      const url = /http:\/\/\S+/.exec(line.toString())?.[0];
      if (url === undefined) throw new Error(`the exchange said: ${line}`);
      return url;
    },
    run: (program, args, env, allowed = [0]) => runToEnd(dir, program, args, env, allowed),
    async close() {
      for (const child of exchanges) child.kill();
      await server.stop({ force: true });
      await rm(dir, { recursive: true, force: true });
      await rm(server.home, { recursive: true, force: true });
      await rm(bundle, { recursive: true, force: true });
    },
  };
}

async function runToEnd(
  dir: string,
  program: string,
  args: readonly string[],
  env: Record<string, string>,
  allowed: readonly number[],
): Promise<Finished> {
  const rssFile = join(dir, "peak-rss");
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
