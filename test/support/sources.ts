import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Folders of other people's code, and what is not in the repository. */
const SKIPPED = new Set(["node_modules", ".git", "dist", ".r3a", "coverage"]);
const TEXT =
  /\.(ts|js|json|md|sql|ya?ml|sh|toml|txt|html|tpl)$|^(Dockerfile|\.[a-z]+rc|\.editorconfig|\.git\w+|run|r3a)$/;

export type File = { readonly path: string; readonly text: string };

function listFiles(folder = ROOT): File[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (SKIPPED.has(entry.name)) return [];
    if (entry.isDirectory()) return listFiles(path);
    if (!entry.isFile() || !TEXT.test(entry.name)) return [];
    return [{ path: relative(ROOT, path).replaceAll("\\", "/"), text: readFileSync(path, "utf8") }];
  });
}

/** Every text file of the repository, paths from the root. */
export const files = listFiles();
export const sources = files.filter(({ path }) => path.endsWith(".ts"));
export const runner = sources.filter(({ path }) => path.startsWith("runner/"));
export const infra = sources.filter(({ path }) => path.startsWith("infra/"));

/** Import and export lines of TypeScript, dynamic ones included. */
const IMPORT =
  /^\s*(?:import|export)\b[^;"']*?\bfrom\s+["']([^"']+)["']|^\s*import\s+["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm;

/** What a file imports: paths from the root for our own files, package names for the rest. */
export function importsOf({ path, text }: File): string[] {
  return [...text.matchAll(IMPORT)].map((match) => {
    const target = match[1] ?? match[2] ?? match[3] ?? "";
    if (!target.startsWith(".")) return target;
    const resolved = posix.join(posix.dirname(path), target);
    return resolved.replace(/^node_modules\//, "");
  });
}

/** Every import line that breaks the rule, as `file -> import`. */
export function breaches(of: readonly File[], isAllowed: (target: string, file: File) => boolean): string[] {
  return of.flatMap((file) =>
    importsOf(file)
      .filter((target) => !isAllowed(target, file))
      .map((target) => `${file.path} -> ${target}`),
  );
}

/** Packages that a workspace declares. */
export function dependenciesOf(workspace: string): string[] {
  const text = readFileSync(join(ROOT, workspace, "package.json"), "utf8");
  return Object.keys((JSON.parse(text) as { dependencies: Record<string, string> }).dependencies);
}
