import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { COMMANDS } from "../../runner/src/contract/commands.ts";
import { ENVIRONMENT } from "../../runner/src/contract/environment.ts";
import { EXIT } from "../../runner/src/contract/exits.ts";
import { renderProjectFile, renderSettingsPage } from "./settings-reference.ts";

/**
 * `npm run docs`: docs/commands.md from the program itself, Pulumi.yaml and docs/settings.md from the schema of the
 * settings. Tests fail while a file is not what this renders.
 */

const root = fileURLToPath(new URL("../..", import.meta.url));

const EXIT_MEANING: Readonly<Record<keyof typeof EXIT, string>> = {
  done: "done, or nothing to do, or another holder is at work",
  failed:
    "at least one series or step failed, also by a garbage or cut answer after its retries; verify, health and doctor: findings",
  brake: "stopped by a brake (janitor): a person must look",
  usage: "wrong arguments, all faults listed together",
  tryAgain: "try again later: database unreachable, exchange bans, holds or is away and no series succeeded",
  settings: "wrong settings, all faults listed together; region refused; database of another exchange",
  deadline: "its own deadline passed; the work done so far is stored",
  terminated: "SIGTERM or SIGINT with work left; the work done so far is stored",
};

export function renderCommands(): string {
  const help = COMMANDS.map((name) => `## ${name}\n\n\`\`\`\n${helpOf(name)}\n\`\`\`\n`).join("\n");
  const environment = Object.entries(ENVIRONMENT).map(([name, about]) => `| \`${name}\` | ${about} |`);
  const exits = Object.entries(EXIT_MEANING).map(
    ([name, about]) => `| ${EXIT[name as keyof typeof EXIT]} | ${about} |`,
  );
  return `# Commands

Made by \`npm run docs\`; do not edit. \`runner\` is \`npm run runner --\` in a checkout and the image's entry point in a
cluster. Times are UTC. stdout carries the result, stderr the log (JSON lines, on a terminal short ones).

${help}
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

function helpOf(name: string): string {
  const { stdout, status } = spawnSync(process.execPath, [`${root}runner/src/main.ts`, name, "--help"], {
    encoding: "utf8",
    env: { PATH: process.env.PATH ?? "", COLUMNS: "110" },
  });
  if (status !== 0) throw new Error(`${name} --help ended with ${status}`);
  return stdout.trim();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(`${root}docs/commands.md`, renderCommands());
  await writeFile(`${root}docs/settings.md`, renderSettingsPage());
  await writeFile(`${root}Pulumi.yaml`, renderProjectFile());
}
