import type {
  Policies,
  PolicyConfigSchema,
  ResourceValidationPolicy,
  StackValidationPolicy,
} from "@pulumi/policy";
import { kindAndName, type Manifest } from "../manifest.ts";
import { CHART_RULES } from "../rules/chart-rules.ts";
import { SINGLE_RULES } from "../rules/check-objects.ts";
import { type ChartRule, type CheckOptions, type Rule, waiverOf } from "../rules/rule.ts";

/** Secrets are no part of a chart, but in secretsMode `pulumi` they are a part of the stack. */
const SYNTH_ONLY = ["no-secret-object"];

/** The options of the rules about all objects; the engine reads them from the configuration of the pack. */
const CHART_CONFIG: PolicyConfigSchema = {
  properties: {
    externalServiceAccounts: { type: "array", items: { type: "string" }, default: [] },
    externalConfigMaps: { type: "array", items: { type: "string" }, default: [] },
    externalNetworkPolicy: { type: "boolean", default: false },
  },
};

/** The object of a resource; null: the resource is no object, but the stack, a component or a provider. */
export function manifestOf(type: string, props: Readonly<Record<string, unknown>>): Manifest | null {
  const [, group, kind] = /^kubernetes:([^:]+):(\w+)$/.exec(type) ?? [];
  if (group === undefined || kind === undefined) return null;
  const apiVersion = group.replace(/^core\//, "");
  return { metadata: {}, ...props, apiVersion, kind };
}

/** Name, text and level of a rule. A warning is advice in each stack; an error stops an update of a mandatory pack. */
function headOf(
  { id, why, level }: Rule<Manifest> | ChartRule,
  { requireDigest: isMandatory }: CheckOptions,
) {
  const enforcementLevel = isMandatory && level !== "warn" ? "mandatory" : "advisory";
  return { name: id, description: why, enforcementLevel } as const;
}

function singlePolicy(rule: Rule<Manifest>, options: CheckOptions): ResourceValidationPolicy {
  return {
    ...headOf(rule, options),
    validateResource: ({ type, props }, report) => {
      const object = manifestOf(type, props);
      if (object === null || waiverOf(object, rule.id) !== null) return;
      for (const message of rule.check(object, options)) report(`${kindAndName(object)}: ${message}`);
    },
  };
}

function chartPolicy(rule: ChartRule, options: CheckOptions): StackValidationPolicy {
  return {
    ...headOf(rule, options),
    configSchema: CHART_CONFIG,
    validateStack: (stack, report) => {
      const urns = new Map(
        stack.resources.flatMap(({ type, props, urn }) => {
          const object = manifestOf(type, props);
          return object === null ? [] : [[object, urn] as const];
        }),
      );
      const declared = stack.getConfig<Partial<CheckOptions>>();
      for (const { object, message } of rule.check([...urns.keys()], { ...options, ...declared }))
        if (waiverOf(object, rule.id) === null)
          report(`${kindAndName(object)}: ${message}`, urns.get(object));
    },
  };
}

/** Every rule as a policy of the same name. Mandatory ones stop `pulumi up` before it changes anything. */
export function policiesFor(isMandatory: boolean): Policies {
  const options: CheckOptions = { requireDigest: isMandatory };
  return [
    ...SINGLE_RULES.filter(({ id }) => !SYNTH_ONLY.includes(id)).map((rule) => singlePolicy(rule, options)),
    ...CHART_RULES.map((rule) => chartPolicy(rule, options)),
  ];
}
