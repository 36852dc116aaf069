import { ComponentResource, type ComponentResourceOptions } from "@pulumi/pulumi";
import type { Manifest } from "../manifest.ts";
import { renderObjects } from "../render.ts";
import type { Settings } from "../settings/schema.ts";
import { makerOf } from "./kinds.ts";
import { makeProvider } from "./provider.ts";
import { planChart, type Registration, registerChart } from "./register-chart.ts";

/**
 * All objects of one environment, as one branch of the stack's tree. The namespace is the only input that is
 * registered, because the inputs of a component stand in the state in plain text.
 */
export class Suite extends ComponentResource {
  /** The chart's objects, as synth would write them. */
  readonly objects: readonly Manifest[];

  constructor(name: string, args: SuiteArgs, options?: ComponentResourceOptions) {
    const { settings, secrets } = args;
    // before super: if a setting or an object is wrong, not even the component may be registered
    const objects = renderObjects(settings);
    const registrations = objects.map((object) => ({ object, make: makerOf(object) }));
    const plan = planChart([...secrets, ...registrations], settings);

    super("r3a:batch:Suite", name, { namespace: settings.namespace }, options);
    this.objects = objects;
    registerChart(plan, { parent: this, provider: makeProvider(name, settings, this) });
    this.registerOutputs({ namespace: settings.namespace });
  }
}

export type SuiteArgs = {
  readonly settings: Settings;
  /** The Secrets; they stand beside the chart, because their values must not be in the chart. */
  readonly secrets: readonly Registration[];
};
