import type {
  EnforcementLevel,
  Policies,
  PolicyConfigSchema,
  ResourceValidationPolicy,
  StackValidationPolicy,
} from "@pulumi/policy";
import { type Manifest, nameOf } from "../manifest.ts";
import { CHART_RULES } from "../rules/chart-rules.ts";
import { SINGLE_RULES } from "../rules/check-objects.ts";
import { type ChartRule, type CheckOptions, type Level, type Rule, waiverOf } from "../rules/rule.ts";

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

/** A warning is advice in each stack; an error stops an update if the pack is mandatory. */
function enforcementOf(level: Level, isMandatory: boolean): EnforcementLevel {
  return level === "error" && isMandatory ? "mandatory" : "advisory";
}

function singlePolicy(
  rule: Rule<Manifest>,
  isMandatory: boolean,
  options: CheckOptions,
): ResourceValidationPolicy {
  return {
    name: rule.id,
    description: rule.why,
    enforcementLevel: enforcementOf(rule.level, isMandatory),
    validateResource: ({ type, props }, report) => {
      const object = manifestOf(type, props);
      if (object === null || waiverOf(object, rule.id) !== null) return;
      for (const message of rule.check(object, options)) report(`${nameOf(object)}: ${message}`);
    },
  };
}

function chartPolicy(rule: ChartRule, isMandatory: boolean, options: CheckOptions): StackValidationPolicy {
  return {
    name: rule.id,
    description: rule.why,
    enforcementLevel: enforcementOf(rule.level, isMandatory),
    configSchema: CHART_CONFIG,
    validateStack: (stack, report) => {
      const resources = stack.resources.flatMap(({ type, props, urn }) => {
        const object = manifestOf(type, props);
        return object === null ? [] : [{ object, urn }];
      });
      const declared = stack.getConfig<Partial<CheckOptions>>();
      const found = rule.check(
        resources.map(({ object }) => object),
        { ...options, ...declared },
      );
      for (const { object, message } of found) {
        if (waiverOf(object, rule.id) !== null) continue;
        report(
          `${nameOf(object)}: ${message}`,
          resources.find((resource) => resource.object === object)?.urn,
        );
      }
    },
  };
}

/** Every rule as a policy of the same name. Mandatory ones stop `pulumi up` before it changes anything. */
export function policiesFor(isMandatory: boolean): Policies {
  const options: CheckOptions = { requireDigest: isMandatory };
  return [
    ...SINGLE_RULES.filter(({ id }) => !SYNTH_ONLY.includes(id)).map((rule) =>
      singlePolicy(rule, isMandatory, options),
    ),
    ...CHART_RULES.map((rule) => chartPolicy(rule, isMandatory, options)),
  ];
}
