import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export type ToolOptions = {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Shows what the tool says on stderr as it says it: for the ones that take minutes. */
  readonly isLoud?: boolean;
};

/** Runs a program from the repository's root and returns its stdout; throws with what it said when it fails. */
export async function runTool(
  command: string,
  args: readonly string[],
  { input, env = {}, isLoud = false }: ToolOptions = {},
): Promise<string> {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
  });
  if (isLoud) child.stderr.pipe(process.stderr);
  child.stdin.on("error", () => {});
  child.stdin.end(input ?? "");
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  if (code !== 0) {
    // pulumi tells its diagnostics on stdout
    const said = [stdout, stderr]
      .map((each) => each.trim().slice(-4_000))
      .join("\n")
      .trim();
    throw new Error(
      `${command} ${args.join(" ").slice(0, 200)}: exit ${code}${said === "" ? "" : `\n${said}`}`,
    );
  }
  return stdout;
}
