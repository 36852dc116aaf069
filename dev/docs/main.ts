import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Command } from "commander";
import { COMMANDS } from "../../runner/src/contract/commands.ts";
import { ENVIRONMENT } from "../../runner/src/contract/environment.ts";
import { EXIT, EXIT_MEANING } from "../../runner/src/contract/exits.ts";
import type { Variable } from "../../runner/src/contract/variable.ts";
import { parseCommandLine } from "../command-line.ts";
import { renderDataPage } from "./dictionary.ts";
import { renderResultsPart } from "./results/page.ts";
import { listSchemaFiles } from "./results/schemas.ts";
import { renderProjectFile, renderSettingsPage } from "./settings-reference.ts";

/**
 * `npm run docs` writes docs/commands.md from the program itself, Pulumi.yaml and docs/settings.md from the schema of the
 * settings, the dictionary of docs/data.md from the migrations, and docs/json from the schemas of the results. With
 * `--check`, which is a part of `npm run check`, it writes nothing and fails while a file is out of date.
 */

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const PAGES: Readonly<Record<string, () => string | Promise<string>>> = {
  "docs/commands.md": renderCommands,
  "docs/data.md": renderDataPage,
  "docs/settings.md": renderSettingsPage,
  "Pulumi.yaml": renderProjectFile,
  ...listSchemaFiles(),
};

async function renderCommands(): Promise<string> {
  const texts = await Promise.all(COMMANDS.map(helpOf));
  const help = COMMANDS.map((name, index) => `## ${name}\n\n\`\`\`\n${texts[index]}\n\`\`\`\n`).join("\n");
  const environment = Object.entries<Variable>(ENVIRONMENT).map(
    ([name, variable]) => `| \`${name}\` | ${describe(variable)} |`,
  );
  const exits = Object.entries(EXIT_MEANING).map(
    ([name, about]) => `| ${EXIT[name as keyof typeof EXIT]} | ${about} |`,
  );
  return `# Commands

Made by \`npm run docs\`; do not edit. \`r3a\` is \`./r3a\` in a clone and the image's entry point in a cluster. Times are
UTC. stdout carries the result, stderr the log (JSON lines, on a terminal short ones). In a clone without \`DB_URL\`,
\`./r3a\` uses the local database, and has the command \`./r3a db\` for it (README.md).

${help}
${renderResultsPart()}
## Environment

| name | meaning |
| --- | --- |
${environment.join("\n")}

## Exit codes

| code | meaning |
| --- | --- |
${exits.join("\n")}
| 134, 137 | not the program's own word: out of memory. 134: the program's heap was full (its last lines say \`heap out of memory\`). 137: the kernel or the kubelet killed it (\`OOMKilled\` in \`kubectl describe pod\`; a pod that goes on after its grace period gives 137 too). What was stored stays; its row in r3a.run stays \`running\` until \`maint\` closes it. Look at the memory limit (docs/settings.md) and at how many series the command had at once |
`;
}

function describe({ meaning, default: value, isSecret }: Variable): string {
  return `${meaning}${value === undefined ? "" : ` Default \`${value}\`.`}${isSecret ? " Secret." : ""}`;
}

async function helpOf(name: string): Promise<string> {
  const main = join(ROOT, "runner/src/main.ts");
  const cache = join(ROOT, "node_modules/.cache/r3a-runner");
  const env = { PATH: process.env.PATH ?? "", COLUMNS: "110", NODE_COMPILE_CACHE: cache };
  const { stdout } = await promisify(execFile)(process.execPath, [main, name, "--help"], { env });
  return stdout.trim();
}

/** Every page as the code renders it, by its path from the root. */
export async function renderPages(): Promise<Readonly<Record<string, string>>> {
  const pages = Object.entries(PAGES).map(async ([page, render]) => [page, await render()] as const);
  return Object.fromEntries(await Promise.all(pages));
}

/** Empty where the page is not there yet. */
async function readStored(path: string): Promise<string> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
}

/** The pages in the folder `root` that are not as rendered. */
export async function listStale(
  root: string,
  pages: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const stale = Object.entries(pages).map(async ([page, rendered]) =>
    (await readStored(join(root, page))) === rendered ? [] : [page],
  );
  return (await Promise.all(stale)).flat();
}

async function main(): Promise<number> {
  const program = new Command("npm run docs --")
    .description(`Writes ${Object.keys(PAGES).join(", ")} from the code.`)
    .option("--check", "write nothing, and exit 1 where a page is not what the code says")
    .action(() => {});
  const ended = await parseCommandLine(program, process.argv.slice(2));
  if (ended !== undefined) return ended;
  const pages = await renderPages();
  if (program.opts<{ readonly check?: true }>().check === true) {
    const stale = await listStale(ROOT, pages);
    for (const page of stale) process.stderr.write(`${page} is not what the code says: npm run docs\n`);
    return stale.length === 0 ? EXIT.done : EXIT.failed;
  }
  for (const [page, text] of Object.entries(pages)) {
    await mkdir(dirname(join(ROOT, page)), { recursive: true });
    await writeFile(join(ROOT, page), text);
  }
  return EXIT.done;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main();
