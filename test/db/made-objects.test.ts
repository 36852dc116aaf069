import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { OBJECTS } from "../../runner/src/db/schema/requirements.ts";
import { MIGRATIONS } from "../../runner/src/db/schema/schema.ts";
import type { ObjectRow } from "../../runner/src/db/schema/schema-objects.ts";
import { useEmptyDatabases, withSession } from "../support/database/empty-database.ts";

const emptyDatabase = useEmptyDatabases();

/** As node-pg-migrate makes it before the first file. */
const LEDGER = `
  create schema r3a;
  create table r3a.migration (id serial primary key, name varchar(255) not null, run_on timestamp not null)`;

test("the list of what the migrations make is what they make (npx vitest run test/db/made-objects.test.ts -u writes it anew)", async () => {
  const lines: string[] = [];
  await withSession(await emptyDatabase(), async (client) => {
    await client.query(`set search_path = pg_catalog, pg_temp; ${LEDGER}`);
    const names = (await readdir(MIGRATIONS)).filter((name) => name.endsWith(".sql")).toSorted();
    const seen = new Map<string, readonly string[]>();
    const firstOf = new Map<string, string>();
    let last: readonly ObjectRow[] = [];
    for (const file of names) {
      const by = file.replace(".sql", "");
      await client.query(await readFile(`${MIGRATIONS}/${file}`, "utf8"));
      last = (await client.query<ObjectRow>(`select * from (${OBJECTS}) o where kind <> 'S' order by name`))
        .rows;
      for (const { name, kind, columns } of last) {
        if (!firstOf.has(name)) firstOf.set(name, by);
        if (!"rpv".includes(kind)) continue;
        const before = seen.get(name) ?? [];
        const changed = columns.filter((column) => !before.includes(column));
        expect([
          name,
          before.filter(
            (column) =>
              !columns.includes(column) && !changed.some((c) => c.startsWith(`${column.split(" ")[0]} `)),
          ),
        ]).toEqual([name, []]);
        if (changed.length > 0) lines.push(`${by} ${kind} ${name}: ${changed.join("; ")}`);
        seen.set(name, columns);
      }
    }
    for (const { name, kind } of last)
      if (!"rpv".includes(kind)) lines.push(`${firstOf.get(name)} ${kind} ${name}`);
  });
  const text = `/** What each migration makes, one line an object; a test writes it (test/db/made-objects.test.ts). */\nexport const MADE_OBJECTS = \`\n${lines.join("\n")}\n\`;\n`;
  await expect(text).toMatchFileSnapshot("../../runner/src/db/schema/made-objects.ts");
});
