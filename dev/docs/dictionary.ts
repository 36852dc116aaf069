import { readdir, readFile } from "node:fs/promises";
import { MIGRATIONS } from "../../runner/src/db/schema/schema.ts";
import { MADE } from "../../runner/src/db/schema/schema-objects.ts";

/** What the migrations say of one object: `name` as in the statement, e.g. `r3a.run.origin` for a column. */
export type Description = {
  readonly kind: "table" | "view" | "column" | "function";
  readonly name: string;
  readonly text: string;
};

const STATEMENT =
  /^comment on (table|view|column|function) (r3a\S*?(?:\([^)]*\))?) is\s+'((?:[^']|'')*)';$/gm;

/** Every description of the migrations; of two of one object the last one, at the place of the first. */
export async function readDescriptions(): Promise<readonly Description[]> {
  const names = (await readdir(MIGRATIONS)).filter((name) => name.endsWith(".sql")).toSorted();
  const texts = await Promise.all(names.map((name) => readFile(`${MIGRATIONS}/${name}`, "utf8")));
  const found = new Map<string, Description>();
  for (const [, kind, name = "", text = ""] of texts.join("\n").matchAll(STATEMENT))
    found.set(`${kind} ${name}`, {
      kind: kind as Description["kind"],
      name: name.replaceAll('"', ""),
      text: text.replaceAll("''", "'"),
    });
  return [...found.values()];
}

/** What a reader wants first; the other tables follow in the order of their descriptions. */
const FIRST = ["r3a.candle"];
const SHORT_TYPES: readonly (readonly [RegExp, string])[] = [
  [/timestamp with time zone/, "timestamptz"],
  [/timestamp without time zone/, "timestamp"],
  [/character varying/, "varchar"],
  [/double precision/, "float8"],
];

/** `NAME TYPE` of each column of the relation, after every migration. */
function columnsOf(relation: string): ReadonlyMap<string, string> {
  const made = MADE.filter(({ name }) => name === relation).flatMap(({ columns }) => columns);
  return new Map(
    made.map((column) => {
      const blank = column.indexOf(" ");
      const type = SHORT_TYPES.reduce(
        (text, [long, short]) => text.replace(long, short),
        column.slice(blank + 1),
      );
      return [column.slice(0, blank), type];
    }),
  );
}

const cell = (text: string): string => text.replaceAll("|", "\\|");
const row = (...cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |`;

/** The dictionary as Markdown: a part for each table and view with its columns, then the partitions and the functions. */
export async function renderDictionary(): Promise<string> {
  const all = await readDescriptions();
  const columns = all.filter(({ kind }) => kind === "column");
  const isOf = (relation: string) => (column: Description) => column.name.startsWith(`${relation}.`);
  const relations = all.filter(({ kind }) => kind === "table" || kind === "view");
  const described = relations.filter(({ name }) => columns.some(isOf(name)));
  const ordered = [
    ...described.filter(({ name }) => FIRST.includes(name)),
    ...described.filter(({ name }) => !FIRST.includes(name)),
  ];
  const parts = ordered.map(({ name, kind, text }) => {
    const types = columnsOf(name);
    const rows = columns.filter(isOf(name)).map((column) => {
      const bare = column.name.slice(name.length + 1);
      return row(`\`${bare}\``, types.get(bare) ?? "", column.text);
    });
    return `### ${name}\n\n${kind === "view" ? "A view. " : ""}${text}\n\n| column | type | meaning |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
  });
  const listed = (head: string, of: readonly Description[]) =>
    `### ${head}\n\n| name | meaning |\n| --- | --- |\n${of.map(({ name, text }) => row(`\`${name}\``, text)).join("\n")}\n`;
  return [
    ...parts,
    listed(
      "Partitions",
      relations.filter((relation) => !described.includes(relation)),
    ),
    listed(
      "Functions",
      all.filter(({ kind }) => kind === "function"),
    ),
  ].join("\n");
}

/** docs/data.md with the dictionary of now below its mark; what stands above the mark is written by hand. */
export async function renderDataPage(): Promise<string> {
  const page = await readFile(new URL("../../docs/data.md", import.meta.url), "utf8");
  const [, above] = /^([\s\S]*\n<!-- made by `npm run docs` [^\n]*-->\n)/.exec(page) ?? [];
  if (above === undefined)
    throw new Error("docs/data.md has lost the mark below which the dictionary stands");
  return `${above}\n${await renderDictionary()}`;
}
