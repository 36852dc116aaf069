import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the project. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** A file of the project, by its path from the root. */
export const read = (name: string) => readFile(join(ROOT, name), "utf8");
const PAGES = [
  "README.md",
  "docs/commands.md",
  "docs/operations.md",
  "docs/quick-reference.md",
  "docs/deploy.md",
  "docs/database.md",
  "docs/data.md",
  "docs/recovery.md",
  "CONTRIBUTING.md",
];
/** The pages that show commands, as they stand. */
export const texts = await Promise.all(PAGES.map(read));
/** The scripts of package.json. */
export const scripts = Object.keys((JSON.parse(await read("package.json")) as { scripts: object }).scripts);

type Block = { readonly page: string; readonly language: string; readonly text: string };
const blocks: readonly Block[] = texts.flatMap((text, index) =>
  [...text.matchAll(/^ *```(\w*)\n([\s\S]*?)^ *```$/gm)].map(([, language = "", inside = ""]) => ({
    page: PAGES[index] ?? "",
    language,
    text: inside,
  })),
);
/** The lines of the shell blocks, without remarks. A block with a drawing in it is none. */
export const shellLines = blocks
  .filter(({ language, text }) => ["", "sh", "bash"].includes(language) && !text.includes("──"))
  .flatMap(({ page, text }) =>
    text
      .replaceAll("\\\n", "")
      .split("\n")
      .map((line) => ({ page, line: line.replace(/ {2,}#.*| > \S+$/, "").trim() })),
  )
  // the reference is the help of each command, of which the examples alone are lines to run
  .filter(({ page, line }) => line !== "" && (page !== "docs/commands.md" || line.startsWith("r3a ")));
/** Code between words. */
export const inline = texts.flatMap((text) =>
  [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code),
);

/** A line that starts the runner; its first group is the command with its words. */
export const RUNNER = /^(?:[A-Z_]+=\S+ )*(?:npm start --|npm run runner --|(?:\.\/)?r3a) (.+)$/;
/** What `./r3a` has beside the commands of the runner; program.test.ts and test/slow/local-database.test.ts run them. */
export const OF_CLONE = /^(db|db reset|--help|--version)$|--simulated\b/;
/** Other programs, which the cluster tests run, or whose account nobody has here. */
export const OTHERS =
  /^(?:[A-Z][A-Z0-9_]*=\S+ )*(?:kubectl|pulumi|helm|docker |pip install |export [A-Z_]+=|npm (ci|link)$|read -rs TOKEN$|printf '\{"auths"|npm test\b|npm start$|npm run test:e2e)/;

/** Runner commands in the blocks and in code between words, each once. */
export const commands = [
  ...new Set(
    [
      ...shellLines.map(({ line }) => line),
      ...inline.filter((code) => /^(npm |\.\/r3a )/.test(code)),
    ].flatMap((line) => RUNNER.exec(line)?.[1] ?? []),
  ),
].filter((command) => command !== "COMMAND" && !command.includes("--every") && !OF_CLONE.test(command));
/** One statement each; a capital word stands for what only the reader knows. */
export const statements = [
  ...blocks.filter(({ language }) => language === "sql").flatMap(({ text }) => text.trim().split(/;\s*/)),
  ...inline.filter((code) => /^select /i.test(code) && !/\b[A-Z]{3,}\b/.test(code)),
].filter((statement) => statement !== "");

/** As a shell splits them, as far as the docs go. */
export function wordsOf(command: string): readonly string[] {
  return (command.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^(['"])(.*)\1$/, "$2"));
}
