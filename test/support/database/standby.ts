import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { locate } from "../../../dev/postgres/place.ts";
import { startPostgres } from "../../../dev/postgres/postgres.ts";
import { withSession } from "./empty-database.ts";
import type { OwnServer } from "./own-server.ts";

/** A second server that has all that the first one had when it was made, and nothing later. */
export type Standby = {
  /** Connection string of the database r3a. */
  readonly url: string;
  /** Makes it a primary with a timeline of its own. */
  promote(): Promise<void>;
  stop(): Promise<void>;
};

/** Makes a standby of the files of a server, which is halted for that time and then goes on. */
export async function copyAsStandby(primary: OwnServer): Promise<Standby> {
  const binDir = process.env.R3A_TEST_PG_BIN;
  const dir = await mkdtemp(join(tmpdir(), "r3a-standby-"));
  const { dataDir } = await locate(dir, binDir);
  await primary.halt();
  await promisify(execFile)("cp", ["-a", primary.place.dataDir, dataDir]);
  await primary.start();
  await rm(join(dataDir, "postmaster.pid"), { force: true });
  await writeFile(join(dataDir, "standby.signal"), "");
  const server = await startPostgres({ dir, ...(binDir && { binDir }) });
  const url = server.url("r3a");
  return {
    url,
    promote: () =>
      withSession(url, async (client) => {
        const { rows } = await client.query("select pg_promote(true, 120) as done");
        if (rows[0]?.done !== true) throw new Error("the standby did not become a primary within 120 s");
      }),
    async stop() {
      await server.stop({ force: true });
      for (const path of [server.home, dir]) await rm(path, { recursive: true, force: true });
    },
  };
}
