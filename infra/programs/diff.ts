import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EXIT } from "@r3a/runner/contract/exits";
import { parse, parseAllDocuments } from "yaml";
import { diffObjects, type FieldChange, type ObjectChange, type PlainObject } from "./diff-objects.ts";
import { readWords } from "./words.ts";

/** `npm run diff`: what the working tree changes in each environment's objects, against a git ref. */

const HELP = `Shows what the working tree changes in the objects of each environment, against a git ref.

  npm run diff                 against HEAD
  npm run diff -- main         against another ref
  npm run diff -- --stack prod one environment; --stack may be repeated
  npm run diff -- --json       as JSON: {version, command, stacks: {STACK: [{object, change, fields}]}}
`;

/** Rendered objects by environment. */
type Rendered = Readonly<Record<string, readonly PlainObject[]>>;

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Names the program that renders the objects of its own tree, wherever that program lies: `app: node ...`. */
const APP_FILE = "cdk8s.yaml";

const SIGNS = { added: "+", removed: "-", changed: "~" } as const;

process.exitCode = main();

function main(): number {
  const words = readWords("diff", HELP, {
    allowPositionals: true,
    options: {
      stack: { type: "string", multiple: true },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (typeof words === "number") return words;
  const { stack: asked, json } = words.values;
  const [ref = "HEAD", ...more] = words.positionals;
  if (more.length > 0) {
    process.stderr.write("error: one git ref at most\nsee npm run diff -- --help\n");
    return EXIT.usage;
  }
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
  const known = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const unknown = asked?.find((stack) => !known.includes(stack));
  if (unknown !== undefined) {
    process.stderr.write(`no Pulumi.${unknown}.yaml here and at ${ref}; stacks are ${known.join(", ")}\n`);
    return EXIT.usage;
  }
  const stacks = known.filter((stack) => asked?.includes(stack) ?? true);
  const changes = Object.fromEntries(
    stacks.map((stack) => [stack, diffObjects(before[stack] ?? [], after[stack] ?? [])]),
  );
  const result = { version: 1, command: "diff", stacks: changes };
  process.stdout.write(json === true ? `${JSON.stringify(result)}\n` : print(changes));
  return 0;
}

function git(...args: readonly string[]) {
  return spawnSync("git", args, { cwd: root, encoding: "utf8" });
}

/** Renders a commit in a worktree of its own, with the packages that are installed here. */
function renderCommit(commit: string): Rendered | string {
  const folder = mkdtempSync(join(tmpdir(), "r3a-diff-"));
  const tree = join(folder, "tree");
  try {
    const added = git("worktree", "add", "--detach", "--quiet", tree, commit);
    if (added.status !== 0) throw new Error(`git worktree add: ${added.stderr.trim()}`);
    linkPackages(tree);
    return existsSync(join(tree, APP_FILE)) ? renderFolder(tree) : {};
  } finally {
    git("worktree", "remove", "--force", tree);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Links each package by itself, except infra and runner: these must be those of the commit. */
function linkPackages(tree: string): void {
  const [from, to] = [join(root, "node_modules"), join(tree, "node_modules")];
  mkdirSync(join(to, "@r3a"), { recursive: true });
  for (const name of readdirSync(from))
    if (name !== "@r3a" && !name.startsWith(".")) symlinkSync(join(from, name), join(to, name), "junction");
  for (const name of ["infra", "runner"]) symlinkSync(join(tree, name), join(to, "@r3a", name), "junction");
}

/** Runs the synth of a tree in a process of its own. A text as the result says why the tree could not be rendered. */
function renderFolder(folder: string): Rendered | string {
  const outdir = mkdtempSync(join(tmpdir(), "r3a-diff-"));
  try {
    const { app } = parse(readFileSync(join(folder, APP_FILE), "utf8")) as { readonly app: string };
    const { status, stderr } = spawnSync(process.execPath, app.split(" ").slice(1), {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, CDK8S_OUTDIR: outdir },
    });
    const which = folder === root ? "the working tree" : "the old commit";
    return status === 0 ? readObjects(outdir) : `${which} cannot be rendered:\n${stderr}\n`;
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** The objects below `outdir`, where synth puts those of each environment into a folder of its name. */
function readObjects(outdir: string): Rendered {
  return Object.fromEntries(
    readdirSync(outdir).map((stack) => {
      const text = readFileSync(join(outdir, stack, "r3a.yaml"), "utf8");
      return [stack, parseAllDocuments(text).map((document): PlainObject => document.toJS())];
    }),
  );
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
