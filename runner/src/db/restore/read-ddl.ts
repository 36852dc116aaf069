import { printable } from "../../candle/printable.ts";

/** A stored schema is no text that a backup writes. */
export class SchemaTextFault extends Error {
  override readonly name = "SchemaTextFault";
}

/** Of the text of a stored schema: the migrations that its database had, and the statements after them. */
export type StoredSchema = { readonly migrations: readonly string[]; readonly statements: readonly string[] };

const NAME = `(?:"(?:[^"\\n]|"")+"|[a-z_][a-z0-9_$]*)`;
const SCHEMA = "(?:r3a|r3a_util)";
const OBJECT = `${SCHEMA}(?:\\.${NAME})?(?:\\([A-Za-z0-9_ ,"\\[\\]]*\\))?`;
const RIGHTS = "[A-Z][A-Z, ]*";
const STORAGE = "[a-z_]+=[a-z0-9_.]+";
const MIGRATION =
  /^insert into r3a\.migration \(name, run_on\) values \('(\d{6}_[a-z0-9_]{1,100})', '[0-9:. -]{10,30}'\);$/;
/** The lines that follow the migrations, as db/backup/ddl.ts makes them; each is one statement. */
const FORMS = [
  `select r3a_util\\.make_leaf\\('ohlcv_[a-z0-9]+', '[0-9:. +-]{10,30}', '\\{\\}'\\);`,
  `alter table r3a\\.${NAME} set \\(${STORAGE}(?:, ${STORAGE})*\\);`,
  `alter (?:schema|table|view|function|procedure) ${OBJECT} owner to ${NAME};`,
  `revoke all on (?:function|procedure) ${OBJECT} from public;`,
  `grant ${RIGHTS} on (?:schema|table|sequence|function|procedure) ${OBJECT} to ${NAME}(?: with grant option)?;`,
  `grant ${RIGHTS} \\(${NAME}\\) on table ${OBJECT} to ${NAME};`,
  `alter default privileges for role ${NAME} in schema ${SCHEMA} grant ${RIGHTS} on (?:tables|sequences|functions|types) to ${NAME};`,
].map((form) => new RegExp(`^${form}$`));
const BEGIN = "set local search_path = pg_catalog, pg_temp;\n";
const END = "commit;\n";

/**
 * Takes the text of a stored schema apart. The migrations in the text are not read: this program runs its own files of those
 * names. Of the rest only statements of the known forms are taken: a restore often runs as a superuser, whose SQL may start
 * programs on the server, and whoever can write to a tier must not choose that SQL. Throws a SchemaTextFault.
 */
export function readSchemaText(text: string): StoredSchema {
  // each migration has this line too: the last one is that before the statements
  const at = text.lastIndexOf(BEGIN);
  if (at === -1 || !text.endsWith(END)) throw new SchemaTextFault("does not end as that of a backup");
  const lines = text.slice(at + BEGIN.length, -END.length).split("\n");
  if (lines.pop() !== "") throw new SchemaTextFault("does not end as that of a backup");
  const migrations: string[] = [];
  const statements: string[] = [];
  for (const line of lines) {
    const [, migration] = MIGRATION.exec(line) ?? [];
    if (migration === undefined && !FORMS.some((form) => form.test(line)))
      throw new SchemaTextFault(`has a line that no backup writes: ${printable(line, 100)}`);
    if (migration !== undefined) migrations.push(migration);
    statements.push(line);
  }
  return { migrations, statements };
}
