import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { inject } from "vitest";
import { withLock } from "../../../dev/install/file-lock.js";
import type { Place } from "../../../dev/postgres/place.ts";
import { ensureDatabase, startPostgres } from "../../../dev/postgres/postgres.ts";
import { migrate } from "../../../runner/src/db/schema/migrate.ts";

/** Which server: the folder of its programs (the usual one where left out), and whether its pages have checksums. */
export type ServerVariant = { readonly binDir?: string | undefined; readonly checksums?: boolean };

/** Owners and rights stay as they are. */
const copy = (from: string, to: string) => promisify(execFile)("cp", ["-a", from, to]);

/**
 * Fills the data folder of a server with that of another one, which has the migrated database r3a: initdb and the
 * migrations take seconds, and a run needs them once.
 */
export async function copySeed({ dataDir }: Place, { binDir, checksums }: ServerVariant): Promise<void> {
  const name = ["seed", binDir?.replaceAll("/", "_"), checksums === false && "unchecked"].filter(Boolean);
  const seed = join(inject("runFolder"), name.join("-"));
  await withLock(`${seed}.lock`, async () => {
    if (existsSync(seed)) return;
    const variant = { ...(binDir && { binDir }), ...(checksums === false && { checksums }) };
    const server = await startPostgres({ dir: `${seed}.server`, fsync: false, ...variant });
    await ensureDatabase(server, "r3a");
    await migrate(server.url("r3a"));
    await server.stop({ force: true });
    await copy(server.dataDir, `${seed}.partial`);
    await rename(`${seed}.partial`, seed);
    await rm(server.home, { recursive: true, force: true });
  });
  await copy(seed, dataDir);
}
