import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { Client } from "pg";
import type { TestProject } from "vitest/node";
import {
  type DevPostgres,
  ensureDatabase,
  type PostgresOptions,
  startPostgres,
} from "../../../dev/postgres/postgres.ts";
import { withClient } from "../../../dev/postgres/with-client.ts";
import { migrate } from "../../../runner/src/db/schema/migrate.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Connection string of a superuser to the maintenance database of the run's server. */
    adminUrl: string;
    /** The migrated database that each test file gets a copy of. */
    template: string;
    /** A folder that goes with the run. */
    runFolder: string;
  }
}

const TEMPLATE = "r3a_template";

/** Vitest's globalSetup: one server for the whole run, stopped and deleted after it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const binDir = process.env.R3A_TEST_PG_BIN;
  const dir = await mkdtemp(join(tmpdir(), "r3a-test-"));
  const options = { dir, fsync: false, ...(binDir && { binDir }) };
  const keep = process.env.R3A_KEEP === "1";
  const cleaner = keep ? undefined : spawnCleaner(options);
  const server = await startPostgres(options);
  await makeTemplate(server);
  project.provide("adminUrl", server.url("postgres"));
  project.provide("template", TEMPLATE);
  project.provide("runFolder", dir);
  return async () => {
    if (keep)
      process.stderr.write(`R3A_KEEP=1: PostgreSQL stays on port ${server.port}, ${server.dataDir}\n`);
    cleaner?.stdin.end();
    if (cleaner?.exitCode === null) await once(cleaner, "exit");
  };
}

/** A process that removes the server when this one ends, however it ends: Vitest skips teardown on a signal. */
function spawnCleaner(options: PostgresOptions): ChildProcessByStdio<Writable, null, null> {
  const code = `
    process.stdin.resume().on("end", async () => {
      const { rm } = await import("node:fs/promises");
      const { startPostgres } = await import(${JSON.stringify(new URL("../../../dev/postgres/postgres.ts", import.meta.url))});
      const server = await startPostgres(${JSON.stringify(options)});
      await server.stop({ force: true });
      for (const path of [server.home, ${JSON.stringify(options.dir)}]) await rm(path, { recursive: true, force: true });
    });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    detached: true,
    stdio: ["pipe", "ignore", "inherit"],
  });
  child.unref();
  return child;
}

async function makeTemplate(server: DevPostgres): Promise<void> {
  await ensureDatabase(server, TEMPLATE);
  await migrate(server.url(TEMPLATE));
  // or autovacuum analyses it after a minute, and later copies have statistics that earlier ones lack
  await withClient({ connectionString: server.url(TEMPLATE) }, (each) =>
    each.query("select pg_stat_reset()"),
  );
  const client = new Client({ connectionString: server.url("postgres") });
  await client.connect();
  try {
    // a stray connection to the template would make every copy fail
    await client.query(`ALTER DATABASE ${TEMPLATE} WITH ALLOW_CONNECTIONS false`);
  } finally {
    await client.end();
  }
}
