import type { Settings } from "../../infra/settings/schema.ts";
import type { RegisteredResource } from "../support/pulumi/recording-monitor.ts";
import { runProgram } from "../support/pulumi/run-program.ts";
import { withoutMarks } from "../support/pulumi/wire-values.ts";
import { kubectl } from "./kubectl.ts";
import { check, expectEqual } from "./report.ts";

/** Who owns the fields that `pulumi up` sets. */
const FIELD_MANAGER = "pulumi-kubernetes";

type Inputs = {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly generation?: number };
};

/** What the Pulumi program registers for these settings, in its order: the objects that the provider would apply. */
async function recordObjects(settings: Settings, dbUrl: string): Promise<readonly Inputs[]> {
  const { registrations, exitCode, stderr } = await runProgram({
    stack: "e2e",
    config: { ...settings, secretsMode: "pulumi", dbUrl },
    secretKeys: ["dbUrl"],
  });
  if (exitCode !== 0) throw new Error(`the Pulumi program ended with ${exitCode}: ${stderr}`);
  const isObject = ({ type }: RegisteredResource) => type.startsWith("kubernetes:");
  return registrations.filter(isObject).map(({ inputs }) => withoutMarks(inputs) as Inputs);
}

/**
 * Applies what the program registers, one object after the other, as the provider does: server-side, by its own field
 * manager. Returns `Kind/name generation uid` of each, sorted.
 */
async function applyAsPulumi(settings: Settings, dbUrl: string): Promise<readonly string[]> {
  const states: string[] = [];
  for (const object of await recordObjects(settings, dbUrl)) {
    const args = [
      "apply",
      "--server-side",
      "--force-conflicts",
      `--field-manager=${FIELD_MANAGER}`,
      "-o",
      "json",
      "-f",
      "-",
    ];
    const applied = JSON.parse(await kubectl(args, JSON.stringify(object))) as Inputs & {
      metadata: { uid: string };
    };
    const { name, generation, uid } = applied.metadata;
    states.push(`${applied.kind}/${name} ${generation ?? "-"} ${uid}`);
  }
  return states.sort();
}

/** The second way, twice: it finds every object as the first way left it, and then changes nothing. */
export async function checkPulumiWay(settings: Settings, dbUrl: string): Promise<void> {
  await check(
    "the objects that the Pulumi program registers are accepted, and a second time change nothing",
    async () => {
      const first = await applyAsPulumi(settings, dbUrl);
      expectEqual(await applyAsPulumi(settings, dbUrl), first, "kind, name, generation and uid");
      return `${first.length} objects`;
    },
  );
}
