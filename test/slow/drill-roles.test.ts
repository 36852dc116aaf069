import { beforeAll, expect, test } from "vitest";
import { expectExit } from "../support/candle/series.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { useDrilledTier } from "../support/drill/drilled-tier.ts";

/** Roles belong to a whole server, so production has one of its own; both servers are copies of one seed. */
const production = useOwnServer(async (server) => {
  for (const name of ["owner", "writer", "reader"]) await server.query(`create role r3a_${name} nologin`);
});
const { world, server, env, runJson } = useDrilledTier(production);
const DRILL = "drill --tier hot --accept-same-server";

const as = (url: string, login: string) => {
  const other = new URL(url);
  [other.username, other.password] = [login, "secret"];
  return other.href;
};

beforeAll(async () => {
  expectExit(await world.run("migrate --roles"), 0);
  await world.database.query("create role login_writer login password 'secret' in role r3a_writer");
  expectExit(await world.run("backup", env), 0);
  await server.query("create role driller login password 'secret'");
});

test("a writer and a role that may make databases and roles can drill, again and again, and owners and rights are restored", async () => {
  const logins = {
    DB_URL: as(world.database.url, "login_writer"),
    DRILL_DB_URL: as(server.urlOf("postgres"), "driller"),
  };
  const refused = await world.run(DRILL, { ...env, ...logins });
  expect([refused.code, refused.stderr]).toEqual([
    78,
    expect.stringContaining('alter role "driller" createdb createrole'),
  ]);
  await server.query("alter role driller createdb createrole");
  for (const _ of [1, 2])
    expect(await runJson(DRILL, 0, logins)).toMatchObject({ verdict: "passed", faults: [], tables: 17 });
  const roles = await server.query(
    "select rolname from pg_roles where rolname like 'r3a%' and not rolcanlogin order by 1",
  );
  expect(roles).toEqual(["r3a_owner", "r3a_reader", "r3a_writer"].map((rolname) => ({ rolname })));
  await withSession(logins.DB_URL, async (client) => {
    const { rows } = await client.query("select verdict from r3a.drill order by finished_at");
    expect(rows).toEqual([{ verdict: "open" }, { verdict: "passed" }, { verdict: "passed" }]);
  });
});
