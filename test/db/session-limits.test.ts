import { afterEach, expect, inject, test } from "vitest";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";
import { startWireProxy, type Tap } from "../support/database/wire-proxy.ts";
import { runRunner } from "../support/runner.ts";

const database = useDatabase();
const admin = (sql: string) =>
  withSession(inject("adminUrl"), (client) =>
    client.query(sql.replace("DATABASE", new URL(database.url).pathname.slice(1))),
  );
afterEach(() => admin("alter database DATABASE reset all"));

/** The code of the server's last word. */
const IDLE_SESSION_TIMEOUT = "57P05";
const isSettings = (data: Buffer) => data.includes("pg_catalog.set_config");
/** A server that takes 0.1 s for the statement that sets the session; the text keeps its length. */
const slowStatement = (): Tap => ({
  onClient: (data, wire) => {
    const text = data.toString("latin1");
    wire.toServer(
      isSettings(data)
        ? Buffer.from(text.replace("pg_catalog.pg_backend_pid()", "pg_catalog.pg_sleep(0.1)   "), "latin1")
        : data,
    );
  },
});
/**
 * A network that brings it after the server has ended the session; what follows stays behind it. For a fixed time the last
 * word of the server was sometimes lost: what arrives at a session that is ended resets the connection.
 */
function slowNetwork(): Tap {
  const ended = Promise.withResolvers<void>();
  let sent = Promise.resolve();
  return {
    onClient: (data, wire) => {
      sent = sent.then(async () => {
        if (isSettings(data)) await ended.promise;
        wire.toServer(data);
      });
    },
    onServer: (data, wire) => {
      wire.toClient(data);
      if (data.includes(IDLE_SESSION_TIMEOUT)) ended.resolve();
    },
  };
}

const version = async () =>
  Number(
    (await database.query<{ server_version_num: string }>("show server_version_num"))[0]?.server_version_num,
  );

test.each([
  ["statement_timeout", slowStatement, 0],
  ["transaction_timeout", slowStatement, 170_000],
  ["idle_session_timeout", slowNetwork, 0],
] as const)(
  "a %s that ends the session before its settings are made is exit 78 with its name",
  async (name, makeTap, since) => {
    if ((await version()) < since) return;
    await admin(`alter database DATABASE set ${name} = 20`);
    const proxy = await startWireProxy(database.url, makeTap);
    try {
      for (const command of ["wait-db", "migrate", "maint", "vacuum"]) {
        const { code, stderr } = await runRunner([command, "--deadline", "20"], { DB_URL: proxy.url });
        expect([command, code, stderr]).toEqual([
          command,
          78,
          expect.stringMatching(
            new RegExp(`DB_URL: ${name} of the server, the database or the role is so short .*reset ${name}`),
          ),
        ]);
      }
      const { stdout } = await runRunner(["doctor", "--only", "db-url,database"], { DB_URL: proxy.url });
      expect(stdout).toContain(name);
    } finally {
      await proxy.stop();
    }
  },
  60_000,
);
