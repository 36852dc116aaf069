import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { withSession } from "../support/database/empty-database.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { runRunner } from "../support/runner.ts";

/**
 * Roles and rights are rows of catalogs, some of them shared by all databases of a server. A second session that changes
 * the same row waits for the first one, and is refused with 23505 or XX000 once the first one commits.
 */
const server = useOwnServer();

const asAdmin = (sql: string) => withSession(server.url, (client) => client.query(sql));

beforeAll(async () => {
  await asAdmin("create role maker login password 'secret' createrole; create role other");
  for (const name of ["one", "two"]) await asAdmin(`create database ${name} owner maker`);
});

/** A superuser is a member of every role, so this login meets statements that a superuser leaves out. */
const asMaker = (database: string) => {
  const url = new URL(server.urlOf(database));
  [url.username, url.password] = ["maker", "secret"];
  return url.href;
};

async function isWaiting(): Promise<boolean> {
  const { rowCount } = await asAdmin(
    "select from pg_stat_activity where application_name = 'r3a migrate' and wait_event_type = 'Lock'",
  );
  return rowCount !== 0;
}

/** Another session does `held` and commits when the run waits for it. */
async function expectDespite(held: string, url: string): Promise<void> {
  await withSession(url, async (client) => {
    await client.query(`begin; ${held}`);
    let ended: unknown = null;
    const run = runRunner(["migrate", "--roles"], { DB_URL: url }).then((result) => {
      ended = result;
      return result;
    });
    while (ended === null && !(await isWaiting())) await sleep(10);
    expect(ended, "the run never met the held row").toBeNull();
    await client.query("commit");
    const { code, stderr } = await run;
    expect([code, stderr]).toEqual([0, ""]);
  });
}

test("a role, a membership and a right on the database that another session makes at the same moment are no fault", async () => {
  await expectDespite("create role r3a_owner nologin", asMaker("one"));
  await withSession(asMaker("one"), (client) => client.query("revoke r3a_owner from maker"));
  await expectDespite("grant r3a_owner to maker", asMaker("two"));
  await asAdmin("revoke create on database two from r3a_owner");
  await expectDespite("grant connect on database two to other", asMaker("two"));
});

test.each([
  "grant usage on schema r3a to other",
  "grant select on r3a.coin to other",
  "grant execute on function r3a_util.make_leaf(text, timestamptz, jsonb) to other",
  "alter default privileges for role r3a_owner in schema r3a grant select on tables to other",
])("the roles get their rights while another session does: %s", async (held) => {
  expect((await runRunner(["migrate", "--roles"], { DB_URL: server.url })).code).toBe(0);
  await expectDespite(held, server.url);
});

test("a first right for what is made later is no fault either", async () => {
  await asAdmin(
    "alter default privileges for role r3a_owner in schema r3a, r3a_util revoke all on tables from r3a_writer, r3a_reader, other",
  );
  await expectDespite(
    "alter default privileges for role r3a_owner in schema r3a grant select on tables to other",
    server.url,
  );
});

test("a table whose rights change while its owner changes gets its owner", async () => {
  await asAdmin("alter table r3a.coin owner to postgres");
  await expectDespite("grant select on r3a.coin to other", server.url);
  const { rows } = await asAdmin(
    "select pg_get_userbyid(relowner) as owner from pg_class where oid = 'r3a.coin'::regclass",
  );
  expect(rows).toEqual([{ owner: "r3a_owner" }]);
});
