import type { ComponentResource, CustomResource, ProviderResource } from "@pulumi/pulumi";
import type { Settings } from "../settings/schema.ts";
import { checkAdoption, type ObjectHeader } from "./adopt.ts";
import type { MakeResource } from "./kinds.ts";
import { type ObjectOptions, optionsFor } from "./options-for.ts";

/** An object and how to make a resource of it. */
export type Registration = { readonly object: ObjectHeader; readonly make: MakeResource };

/** Where resources are registered: below a component, always with a provider of their own. */
export type Target = { readonly parent: ComponentResource; readonly provider: ProviderResource };

/** What will be registered, in order. */
export type Plan = readonly (readonly { readonly make: MakeResource; readonly options: ObjectOptions }[])[];

/**
 * The phases of an `up`. All faults of the objects are found here, before anything is registered, so that a faulty
 * chart changes nothing.
 */
export function planChart(registrations: readonly Registration[], settings: Settings): Plan {
  checkAdoption(
    registrations.map(({ object }) => object),
    settings.adopt,
  );
  const planned = registrations.map(({ object, make }) => ({ make, options: optionsFor(object, settings) }));
  const phases = [...new Set(planned.map(({ options }) => options.phase))].sort((a, b) => a - b);
  return phases.map((phase) => planned.filter(({ options }) => options.phase === phase));
}

/** Registers a plan; each object depends on all objects of the phase before, and so on all earlier objects. */
export function registerChart(plan: Plan, target: Target): void {
  let before: CustomResource[] = [];
  for (const phase of plan) {
    const dependsOn = before;
    before = phase.map(({ make, options: { name, protect, retainOnDelete, importId } }) =>
      make(name, {
        ...target,
        dependsOn,
        protect,
        retainOnDelete,
        ...(importId === undefined ? {} : { import: importId }),
      }),
    );
  }
}
