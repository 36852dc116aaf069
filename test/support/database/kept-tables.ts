import type { UsedDatabase } from "./database.ts";

/** What `keep` found in the tables, which `restore` puts back: the start of each test without the commands that made it. */
export function keepTables({ query }: Pick<UsedDatabase, "query">, tables: readonly string[]) {
  const copyOf = (table: string) => `public.kept_${table.replaceAll(".", "_")}`;
  const each = (sql: (table: string, copy: string) => string) =>
    query(tables.map((table) => sql(table, copyOf(table))).join("; "));
  return {
    keep: () => each((table, copy) => `create table ${copy} as table ${table}`),
    async restore() {
      await query(`truncate ${tables.join(", ")}`);
      await each((table, copy) => `insert into ${table} overriding system value table ${copy}`);
    },
  };
}
