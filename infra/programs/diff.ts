import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { EXIT } from "@r3a/runner/contract/exits";
import { diffObjects, type FieldChange, type ObjectChange, type PlainObject } from "./diff-objects.ts";

/** `npm run diff`: what the working tree changes in each environment's objects, against a git ref. */

const HELP = `Shows what the working tree changes in the objects of each environment, against a git ref.

  npm run diff                 against HEAD
  npm run diff -- main         against another ref
  npm run diff -- --json       as JSON: {stack: [{object, change, fields}]}
`;

/** Rendered objects by environment. */
type Rendered = Readonly<Record<string, readonly PlainObject[]>>;

const root = fileURLToPath(new URL("../..", import.meta.url));
const SOURCES = ["infra/render.ts", "infra/settings/stack-files.ts"];

const SIGNS = { added: "+", removed: "-", changed: "~" } as const;

process.exitCode = main();

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: "boolean" }, help: { type: "boolean", short: "h" } },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const [ref = "HEAD"] = positionals;
  const commit = git("rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`);
  if (commit.status !== 0) {
    process.stderr.write(`git knows no commit "${ref}"; \`git log --oneline\` shows them\n`);
    return EXIT.usage;
  }
  const before = renderCommit(commit.stdout.trim());
  const after = renderFolder(root);
  const faults = [before, after].flatMap((rendered) => (typeof rendered === "string" ? rendered : []));
  if (typeof before === "string" || typeof after === "string") {
    process.stderr.write(faults.join("\n"));
    return EXIT.failed;
  }
  const stacks = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const changes = Object.fromEntries(
    stacks.map((stack) => [stack, diffObjects(before[stack] ?? [], after[stack] ?? [])]),
  );
  process.stdout.write(values.json === true ? `${JSON.stringify(changes, null, 2)}\n` : print(changes));
  return 0;
}

function git(...args: readonly string[]) {
  return spawnSync("git", args, { cwd: root, encoding: "utf8" });
}

/** Renders a commit in a worktree of its own, with the packages that are installed here. */
function renderCommit(commit: string): Rendered | string {
  const has = (path: string) => git("cat-file", "-e", `${commit}:${path}`).status === 0;
  if (!SOURCES.every(has)) return {};
  const folder = mkdtempSync(join(tmpdir(), "r3a-diff-"));
  const tree = join(folder, "tree");
  try {
    const added = git("worktree", "add", "--detach", "--quiet", tree, commit);
    if (added.status !== 0) throw new Error(`git worktree add: ${added.stderr.trim()}`);
    linkPackages(tree);
    return renderFolder(tree);
  } finally {
    git("worktree", "remove", "--force", tree);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Links each package by itself: our own ones must be the commit's, not those of the working tree. */
function linkPackages(tree: string): void {
  const [from, to] = [join(root, "node_modules"), join(tree, "node_modules")];
  mkdirSync(join(to, "@r3a"), { recursive: true });
  for (const name of readdirSync(from))
    if (name !== "@r3a" && !name.startsWith(".")) symlinkSync(join(from, name), join(to, name), "junction");
  for (const name of ["infra", "runner"]) symlinkSync(join(tree, name), join(to, "@r3a", name), "junction");
}

/** In a process of its own, so that each tree runs its own code. A text: why it could not be rendered. */
function renderFolder(folder: string): Rendered | string {
  const [render, files] = SOURCES.map((path) => JSON.stringify(pathToFileURL(join(folder, path)).href));
  const program = `
    import { renderObjects } from ${render};
    import { listStacks, loadStack } from ${files};
    const root = ${JSON.stringify(folder)};
    try {
      const rendered = listStacks(root).map((stack) => [stack, renderObjects(loadStack(root, stack))]);
      process.stdout.write(JSON.stringify(Object.fromEntries(rendered)));
    } catch (error) {
      process.stderr.write(error.name === "SettingsFault" ? error.message : error.stack);
      process.exitCode = 1;
    }`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  const which = folder === root ? "the working tree" : "the old commit";
  if (status !== 0) return `${which} cannot be rendered:\n${stderr}\n`;
  return JSON.parse(stdout);
}

function print(changes: Readonly<Record<string, readonly ObjectChange[]>>): string {
  const lines = Object.entries(changes).flatMap(([stack, objects]) => [
    objects.length === 0 ? `${stack}: no change` : `${stack}:`,
    ...objects.flatMap(({ object, change, fields }) => [
      `  ${SIGNS[change]} ${object}${fields.length === 0 ? ` ${change}` : ""}`,
      ...fields.map(printField),
    ]),
  ]);
  return `${lines.join("\n")}\n`;
}

function printField({ path, before, after }: FieldChange): string {
  const show = (value: unknown) => (value === undefined ? "(none)" : JSON.stringify(value));
  return `      ${path}: ${show(before)} -> ${show(after)}`;
}
