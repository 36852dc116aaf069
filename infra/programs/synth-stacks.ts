import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "@r3a/runner/contract/exits";
import { Yaml } from "cdk8s";
import { SettingsFault } from "../errors.ts";
import { loadStack } from "../model/load.ts";
import { renderObjects } from "../render.ts";
import { listStacks } from "../settings/stack-files.ts";
import { isUnreleased } from "../settings/unreleased.ts";
import { readWords } from "./words.ts";

const HELP = `Writes the objects of each environment to dist/<stack>/r3a.yaml.

  npm run synth
  npm run synth -- --stack prod      one environment; --stack may be repeated
`;

/** Writes the objects of the environments that the arguments name, below `outdir`; returns the exit code. */
export function synthStacks(root: string, outdir: string, args: readonly string[]): number {
  const words = readWords("synth", HELP, {
    args: [...args],
    options: { stack: { type: "string", multiple: true }, help: { type: "boolean", short: "h" } },
  });
  if (typeof words === "number") return words;
  const known = listStacks(root);
  const asked = words.values.stack ?? known;
  const unknown = asked.filter((stack) => !known.includes(stack));
  if (unknown.length > 0) {
    process.stderr.write(`no Pulumi.${unknown[0]}.yaml here; stacks are ${known.join(", ")}\n`);
    return EXIT.usage;
  }
  return Math.max(...asked.map((stack) => synthStack(root, stack, join(outdir, stack))));
}

function synthStack(root: string, stack: string, outdir: string): number {
  try {
    const settings = loadStack(root, stack);
    const objects = renderObjects(settings);
    if (isUnreleased(settings))
      process.stderr.write(
        `warn: Pulumi.${stack}.yaml: r3a:imageDigest: all zeros, so no pod can start; set it to the digest of a release\n`,
      );
    const file = join(outdir, "r3a.yaml");
    rmSync(outdir, { recursive: true, force: true });
    mkdirSync(outdir, { recursive: true });
    Yaml.save(file, [...objects]);
    process.stdout.write(`${file}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof SettingsFault)) throw error;
    process.stderr.write(`${error.message}\n`);
    return EXIT.settings;
  }
}
