import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, inject, test } from "vitest";
import { useDatabase } from "../support/database/database.ts";
import { withSession } from "../support/database/empty-database.ts";
import { startWireProxy, type Wire } from "../support/database/wire-proxy.ts";
import { runRunner } from "../support/runner.ts";

const database = useDatabase();
const admin = (sql: string) =>
  withSession(inject("adminUrl"), (client) =>
    client.query(sql.replace("DATABASE", new URL(database.url).pathname.slice(1))),
  );
afterEach(() => admin("alter database DATABASE reset all"));

const isSettings = (data: Buffer) => data.includes("pg_catalog.set_config");
/** A server that takes 0.1 s for the statement that sets the session; the text keeps its length. */
const slowStatement = (data: Buffer, wire: Wire) => {
  const text = data.toString("latin1");
  wire.toServer(
    isSettings(data)
      ? Buffer.from(text.replace("pg_catalog.pg_backend_pid()", "pg_catalog.pg_sleep(0.1)   "), "latin1")
      : data,
  );
};
/** A network that takes 0.1 s for it; what follows stays behind it. */
function slowNetwork(): typeof slowStatement {
  let sent = Promise.resolve();
  return (data, wire) => {
    sent = sent.then(async () => {
      if (isSettings(data)) await sleep(100);
      wire.toServer(data);
    });
  };
}

const version = async () =>
  Number(
    (await database.query<{ server_version_num: string }>("show server_version_num"))[0]?.server_version_num,
  );

test.each([
  ["statement_timeout", () => slowStatement, 0],
  ["transaction_timeout", () => slowStatement, 170_000],
  ["idle_session_timeout", slowNetwork, 0],
] as const)(
  "a %s that ends the session before its settings are made is exit 78 with its name",
  async (name, makeTap, since) => {
    if ((await version()) < since) return;
    await admin(`alter database DATABASE set ${name} = 20`);
    const proxy = await startWireProxy(database.url, () => ({ onClient: makeTap() }));
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
