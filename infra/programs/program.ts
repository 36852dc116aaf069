import { fileURLToPath } from "node:url";
import { Config, getStack, RunError } from "@pulumi/pulumi";
import { checkContext } from "../bridge/kube-context.ts";
import { approximateSettings, readSecrets } from "../bridge/secrets.ts";
import { Suite } from "../bridge/suite.ts";
import { SettingsFault } from "../errors.ts";
import { settingsFrom } from "../model/load.ts";
import { listOutputs, type SuiteOutputs } from "../model/outputs.ts";
import { describe } from "../settings/parse.ts";
import { readPulumiConfig } from "../settings/pulumi-config.ts";
import { PROJECT, type Settings } from "../settings/schema.ts";
import { checkStackFile } from "../settings/stack-files.ts";
import { isUnreleased } from "../settings/unreleased.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const stackFile = () => `Pulumi.${getStack()}.yaml`;

/** What `pulumi up` and `pulumi preview` run: the objects of one stack and its outputs. */
function registerStack(): SuiteOutputs {
  const config = new Config(PROJECT);
  const { settings, faults } = readSettings(config);
  const secrets = readSecrets(config, settings);
  // a Set, because the file and the engine may report the same fault in the same words
  const all = new Set([
    ...checkStackFile(ROOT, getStack()),
    ...faults,
    ...checkReleased(settings),
    ...checkContext(settings.kubeContext, process.env).map((fault) => describe(fault, stackFile)),
    ...secrets.faults,
  ]);
  if (all.size > 0) throw new SettingsFault([...all]);
  const { objects } = new Suite(PROJECT, { settings, secrets: secrets.registrations });
  return listOutputs(settings, objects);
}

function readSettings(config: Config): { settings: Settings; faults: readonly string[] } {
  try {
    return { settings: settingsFrom(readPulumiConfig(config)), faults: [] };
  } catch (error) {
    if (!(error instanceof SettingsFault)) throw error;
    return { settings: approximateSettings(config), faults: error.faults };
  }
}

/** An image that was never released is a fault of `up`; synth only warns, because its objects do not run. */
function checkReleased(settings: Settings): readonly string[] {
  if (!isUnreleased(settings)) return [];
  const message =
    "all zeros: no image has been released for this stack yet; " +
    "release one, or set what the registry shows: pulumi config set imageDigest sha256:...";
  return [describe({ key: "imageDigest", message }, stackFile)];
}

function registerOrExplain(): SuiteOutputs {
  try {
    return registerStack();
  } catch (error) {
    // of a RunError Pulumi prints the message without a stack trace, which would only hide what to do
    throw error instanceof SettingsFault ? new RunError(error.message) : error;
  }
}

export const { names, schedules, images, requiredSecrets, settingsHash } = registerOrExplain();
