import { expect, test } from "vitest";
import type { Suspect } from "../../runner/src/db/backup/ledger.ts";
import { writeLedger } from "../../runner/src/db/backup/write-ledger.ts";
import { SettingsFault } from "../../runner/src/errors.ts";
import { emptyWrite, inSnapshot } from "../support/backup/parts.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { runRunner } from "../support/runner.ts";

/** Roles belong to the whole server. */
const server = useOwnServer();

const urlAs = (login: string) => {
  const url = new URL(server.url);
  [url.username, url.password] = [login, "secret"];
  return url.href;
};
const backUp = () =>
  inSnapshot({ url: urlAs("jobs") }, (snapshot, db) =>
    writeLedger(db, snapshot, { ...emptyWrite, found: [SUSPECT] }),
  );
const SUSPECT: Suspect = {
  ...{ leaf: "ohlcv_1m_2024_01", coinId: 1, at: 0, hash: null },
  ...({ interval: "1m", kind: "vanished" } as const),
};

test("a writer takes a snapshot and writes the ledger, a reader only reads it", async () => {
  expect(await runRunner(["migrate", "--roles"], { DB_URL: server.url })).toMatchObject({
    code: 0,
    stderr: "",
  });
  await server.query("create role jobs login password 'secret' in role r3a_writer");
  await server.query("create role people login password 'secret' in role r3a_reader");
  await backUp();
  await withSession(urlAs("people"), async (client) => {
    const { rows } = await client.query("select outcome from r3a.backup");
    expect(rows).toEqual([{ outcome: "stored" }]);
    await expect(client.query("update r3a.backup_suspect set state = 'gone'")).rejects.toThrow(
      "permission denied",
    );
  });
});

test("a role that may not ask which server this is gets the SQL for the administrator", async () => {
  await server.query("revoke execute on function pg_control_system() from public");
  await expect(backUp()).rejects.toThrow(SettingsFault);
  await expect(backUp()).rejects.toThrow(
    'an administrator runs: grant execute on function pg_control_system() to "jobs"',
  );
  await server.query("grant execute on function pg_control_system() to jobs");
  await backUp();
  expect(await server.query("select outcome from r3a.backup order by id desc limit 1")).toEqual([
    { outcome: "stored" },
  ]);
});
