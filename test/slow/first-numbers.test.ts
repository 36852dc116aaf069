import { expect, test } from "vitest";
import { migrate } from "../../runner/src/db/schema/migrate.ts";
import { withSession } from "../support/database/empty-database.ts";
import { MERGED, namesOf, useFirstDatabases } from "../support/database/first-database.ts";
import { schemaFingerprint } from "../support/database/schema-fingerprint.ts";
import { runRunner } from "../support/runner.ts";

const { makeEmpty, makeFirst, fresh } = useFirstDatabases();

/** 9: the files of the first deployment; 14: all but the last one. */
test.each([1, 2, 5, 9, 13, 14])(
  "one that only the first %s files made gets the rest, and ends with the schema of a new one",
  async (count) => {
    const url = await makeFirst(count);
    const pending = await migrate(url, { isPlan: true });
    expect(pending).toHaveLength(15 - count + fresh.files.length - MERGED);
    expect(await migrate(url)).toEqual(pending);
    expect(await namesOf(url)).toEqual(fresh.files);
    expect(await schemaFingerprint(url)).toBe(fresh.fingerprint);
    expect(await migrate(url)).toEqual([]);
  },
);

test("one that lacks a file in the middle, has a file of no version, or was changed is refused with 78 and stays as it is", async () => {
  const refusals: readonly (readonly [number, string, RegExp])[] = [
    [
      13,
      "delete from r3a.migration where name ~ '000004|000006'",
      /lacks 000004_jobs, 000006_layout, and has 000014_make_leaf, which came later: /,
    ],
    [
      99,
      "insert into r3a.migration (name, run_on) values ('000015_trial', now())",
      /beside them 000015_trial, which no version has/,
    ],
    [99, "alter table r3a.run drop column origin", /r3a\.run lacks the column origin/],
  ];
  for (const [count, damage, words] of refusals) {
    const url = await makeFirst(count);
    await withSession(url, (client) => client.query(damage));
    const names = await namesOf(url);
    const { code, stderr, stdout } = await runRunner(["migrate"], { DB_URL: url });
    expect([code, stdout, stderr]).toEqual([78, "", expect.stringMatching(words)]);
    expect(await namesOf(url)).toEqual(names);
  }
});

test("of four migrations at once one writes the names, with roles and without", async () => {
  for (const args of [["migrate"], ["migrate", "--roles"]]) {
    const [other, url] = [await makeEmpty(), await makeFirst()];
    expect((await runRunner(args, { DB_URL: other })).code).toBe(0);
    const runs = await Promise.all(Array.from({ length: 4 }, () => runRunner(args, { DB_URL: url })));
    expect(runs.map(({ code }) => code)).toEqual(runs.map(() => 0));
    expect(runs.filter(({ stderr }) => stderr.includes("has the names of now"))).toHaveLength(1);
    expect(await namesOf(url)).toEqual(await namesOf(other));
    expect(await schemaFingerprint(url)).toBe(await schemaFingerprint(other));
  }
});
