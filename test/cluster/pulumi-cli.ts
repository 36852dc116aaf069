import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { Settings } from "../../infra/settings/schema.ts";
import { check, say } from "./report.ts";
import { ROOT, runTool } from "./run-tool.ts";

const STACK = "e2e-cli";
const FILE = join(ROOT, `Pulumi.${STACK}.yaml`);

/** A real `pulumi up`, a second one without changes, and `pulumi destroy`, on a backend in a folder. */
export async function checkPulumiCli(settings: Settings, dbUrl: string): Promise<void> {
  const isThere = await runTool("pulumi", ["version"]).then(
    () => true,
    () => false,
  );
  if (!isThere) return say("  NOT RUN: pulumi up and destroy; there is no Pulumi CLI on the PATH");
  const folder = await mkdtemp(join(tmpdir(), "r3a-pulumi-"));
  const env = { PULUMI_BACKEND_URL: `file://${folder}`, PULUMI_CONFIG_PASSPHRASE: "e2e" };
  const pulumi = (args: readonly string[], input?: string) =>
    runTool("pulumi", ["--cwd", ROOT, "--non-interactive", ...args, "--stack", STACK], {
      env,
      ...(input === undefined ? {} : { input }),
    });
  try {
    await pulumi(["stack", "init"]);
    const made = await readFile(FILE, "utf8").catch(() => "{}"); // holds the salt of the passphrase
    const config = Object.entries({ ...settings, secretsMode: "pulumi", kubeContext: "" });
    const keys = Object.fromEntries(config.map(([key, value]) => [`r3a:${key}`, value]));
    // quoted as docs/deploy.md says: the engine would make a time of the date
    const quoted = stringify({ ...parse(made), config: keys }, { defaultStringType: "QUOTE_DOUBLE" });
    await writeFile(FILE, quoted);
    await pulumi(["config", "set", "--secret", "r3a:dbUrl"], dbUrl);
    await check("pulumi up", async () => {
      await pulumi(["up", "--yes", "--skip-preview"]);
      return "done";
    });
    await check("a second pulumi up changes nothing", async () => {
      await pulumi(["up", "--yes", "--skip-preview", "--expect-no-changes"]);
      return "no changes";
    });
    await check("pulumi destroy", async () => {
      await pulumi(["destroy", "--yes", "--skip-preview"]);
      return "done";
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
    await rm(FILE, { force: true });
  }
}
