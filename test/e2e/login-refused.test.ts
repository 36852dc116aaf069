import { expect, inject, test } from "vitest";
import { withSession } from "../support/database/empty-database.ts";
import { useWorld } from "../support/world.ts";

const world = useWorld();
const SYNC = "sync 1h --symbols BTCUSDT --deadline 30";

/** DB_URL of a role of its own, as which the database is set on for a test. */
const roleUrl = () => {
  const url = new URL(world.database.url);
  [url.username, url.password] = ["visitor", "of-visitor"];
  return url;
};
const databaseName = () => new URL(world.database.url).pathname.slice(1);

async function during<T>(on: string, off: string, work: () => Promise<T>): Promise<T> {
  // a session in the database itself may not close it
  const query = (sql: string) =>
    withSession(inject("adminUrl"), (client) => client.query(sql.replaceAll("DATABASE", databaseName())));
  await query("create role visitor login password 'of-visitor'");
  try {
    await query(on);
    return await work();
  } finally {
    await query(off);
    await query("drop role visitor");
  }
}

test.each<[string, string, number, RegExp]>([
  [
    "alter database DATABASE allow_connections false",
    "alter database DATABASE allow_connections true",
    78,
    /DB_URL is refused by the database: .*not currently accepting connections; alter database NAME allow_connections true/,
  ],
  [
    "alter role visitor nologin",
    "select",
    78,
    /"visitor" is not permitted to log in; let the role log in \(alter role NAME login\)/,
  ],
  [
    "alter role visitor valid until '2020-01-01'",
    "select",
    78,
    /password authentication failed for user "visitor"; correct the password.*valid until 'infinity'/,
  ],
  [
    "alter role visitor connection limit 0",
    "select",
    75,
    /the role of DB_URL has as many sessions .*alter role NAME connection limit N.*visitor/,
  ],
  [
    "alter database DATABASE connection limit 0",
    "alter database DATABASE connection limit -1",
    75,
    /the database has as many sessions .*alter database NAME connection limit N/,
  ],
  [
    "alter role visitor set session_preload_libraries = 'nosuch'",
    "select",
    78,
    /could not access file "nosuch".*alter role NAME reset session_preload_libraries/,
  ],
  [
    "revoke connect on database DATABASE from public",
    "grant connect on database DATABASE to public",
    78,
    /permission denied for database.*grant connect on database/s,
  ],
])(
  "after %s a run ends with its code and the remedy, and doctor tells both",
  async (on, off, exit, words) => {
    await during(on, off, async () => {
      const env = { DB_URL: roleUrl().href };
      const { code, stderr } = await world.run(exit === 75 ? "wait-db --timeout 1" : SYNC, env);
      expect([code, stderr]).toEqual([exit, expect.stringMatching(words)]);
      expect(stderr).not.toContain("of-visitor");
      const { stdout } = await world.run("doctor --only db-url,database --json", env);
      const told = JSON.stringify(JSON.parse(stdout));
      expect(told).toMatch(/refuses the login/);
      if (exit === 78) expect(told).toMatch(/alter (role|database)|grant|pg_hba/);
    });
  },
  60_000,
);
