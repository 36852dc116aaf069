import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { App } from "cdk8s";
import { parse, parseAllDocuments } from "yaml";
import { R3aChart } from "../../../infra/chart.ts";
import type { Manifest } from "../../../infra/manifest.ts";
import { loadStack } from "../../../infra/model/load.ts";
import type { Settings } from "../../../infra/settings/schema.ts";
import { SECRET_SETTINGS } from "../../../infra/settings/secret-keys.ts";
import type { RegisteredResource } from "./recording-monitor.ts";
import { type ProgramResult, runProgram } from "./run-program.ts";
import { withoutMarks } from "./wire-values.ts";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
export const STACKS = ["dev", "prod"] as const;
export const MODES = ["existing", "pulumi", "externalSecret"] as const;
export type Stack = (typeof STACKS)[number];
export type Mode = (typeof MODES)[number];

const DIGEST = `sha256:${"5".repeat(64)}`;

/** The values of the secrets in a run; no other text of a run holds any of them. */
export const SECRET_VALUES = {
  dbUrl: "postgres://canary-user:canary-db@db.example/r3a",
  binance: { apiKey: "canary-key", apiSecret: "canary-secret" },
  registryToken: "canary-token",
} as const;

/** What a run changes of the committed files: a released image, a mode, and every secret in use. */
export function changesOf(stack: Stack, secretsMode: Mode): Partial<Settings> {
  return {
    secretsMode,
    ...(stack === "prod" ? { imageDigest: DIGEST } : {}),
    pullSecretName: "r3a-regcred",
    exchangeSecretName: "r3a-binance",
    registryUser: "puller",
  };
}

type Declared = { readonly default?: unknown; readonly value?: unknown };
type ConfigFile = { readonly config: Readonly<Record<string, unknown>> };

/** What the engine hands to a program: the defaults of Pulumi.yaml under the values of the stack's file. */
export function committedConfig(stack: Stack): Record<string, unknown> {
  const read = (file: string): ConfigFile => parse(readFileSync(join(ROOT, file), "utf8"));
  const defaults = Object.entries(read("Pulumi.yaml").config).map(([key, declared]) => {
    const { default: normal, value } = declared as Declared;
    return [key, normal ?? value] as const;
  });
  const all = { ...Object.fromEntries(defaults), ...read(`Pulumi.${stack}.yaml`).config };
  return Object.fromEntries(
    Object.entries(all)
      .filter(([key]) => key.startsWith("r3a:"))
      .map(([key, value]) => [key.slice("r3a:".length), value]),
  );
}

/** Runs infra/start.js on the committed files with changes; `secretKeys` are the encrypted ones of the changes. */
export function runStack(
  stack: Stack,
  changes: Readonly<Record<string, unknown>>,
  secretKeys: readonly string[] = Object.keys(SECRET_SETTINGS),
  root = ROOT,
): Promise<ProgramResult> {
  return runProgram({
    stack,
    config: { ...committedConfig(stack), ...changes },
    secretKeys,
    program: join(root, "infra/start.js"),
  });
}

/** The documents that synth would write for the same settings. */
export function synthObjects(stack: Stack, changes: Partial<Settings>): readonly Manifest[] {
  const app = new App();
  new R3aChart(app, "r3a", { ...loadStack(ROOT, stack), ...changes });
  return parseAllDocuments(app.synthYaml()).map((document) => document.toJS() as Manifest);
}

/** What a run reports to the person who started it: all but the SDK's own debug messages. */
export function shownOf({ logs }: ProgramResult): ProgramResult["logs"] {
  return logs.filter(({ severity }) => severity > 0);
}

/** The registered Kubernetes objects: all but the stack, the component and the provider. */
export function objectsOf({ registrations }: ProgramResult): readonly RegisteredResource[] {
  return registrations.filter(({ type }) => type.startsWith("kubernetes:"));
}

/** The inputs of a resource as the object that the provider would apply. */
export function manifestOf(resource: RegisteredResource): Manifest {
  return withoutMarks(resource.inputs) as Manifest;
}

/** `kind/namespace/name`, the order of the tests' comparisons. */
export function keyOf({ kind, metadata }: Manifest): string {
  return [kind, metadata.namespace, metadata.name].filter((part) => part !== undefined).join("/");
}

export function byKey(objects: readonly Manifest[]): readonly Manifest[] {
  return objects.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
