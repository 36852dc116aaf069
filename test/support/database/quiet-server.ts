import { type OwnServer, useOwnServer } from "./own-server.ts";
import type { ServerVariant } from "./seed.ts";

/**
 * A server for one test file on which nobody else works. autovacuum would do work that a test looks at, and transactions of
 * other databases hold back the xmin of a snapshot, which is one number for the whole server.
 */
export function useQuietServer(variant: ServerVariant = {}): OwnServer {
  return useOwnServer(async (server) => {
    for (const name of ["autovacuum", "fsync"]) await server.query(`alter system set ${name} = off`);
    await server.query("select pg_reload_conf()");
  }, variant);
}
