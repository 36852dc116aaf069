import { kindAndName, type Manifest } from "../manifest.ts";
import { CHART_RULES } from "./chart-rules.ts";
import { CRON_JOB_RULES } from "./cron-job-rules.ts";
import { IMAGE_RULES } from "./image-rules.ts";
import { JOB_RULES } from "./job-rules.ts";
import { OBJECT_RULES } from "./object-rules.ts";
import { cronJobOf, jobOf, podOf } from "./pod.ts";
import { POD_RULES } from "./pod-rules.ts";
import { type Breach, type CheckOptions, faultyWaivers, type Rule, waiverOf } from "./rule.ts";

/** A rule about a part of an object as one about the object; objects without that part pass. */
function about<Part>(partOf: (object: Manifest) => Part | null): (rule: Rule<Part>) => Rule<Manifest> {
  return (rule) => ({
    ...rule,
    check: (object, options) => {
      const part = partOf(object);
      return part === null ? [] : rule.check(part, options);
    },
  });
}

/** The rules that a single object is enough for. */
export const SINGLE_RULES: readonly Rule<Manifest>[] = [
  ...OBJECT_RULES,
  ...CRON_JOB_RULES.map(about(cronJobOf)),
  ...JOB_RULES.map(about(jobOf)),
  ...POD_RULES.map(about(podOf)),
  ...IMAGE_RULES.map(about(podOf)),
];

const RULE_IDS = [...SINGLE_RULES, ...CHART_RULES].map(({ id }) => id);

/** Holds every object against every rule; waived breaches are left out, faulty waivers are breaches themselves. */
export function checkObjects(objects: readonly Manifest[], options: CheckOptions): readonly Breach[] {
  const found = [
    ...objects.flatMap((object) =>
      SINGLE_RULES.flatMap((rule) =>
        rule.check(object, options).map((message) => ({ rule, object, message })),
      ),
    ),
    ...CHART_RULES.flatMap((rule) =>
      rule.check(objects, options).map(({ object, message }) => ({ rule, object, message })),
    ),
  ];
  return [
    ...objects.flatMap((object) => faultyWaivers(object, RULE_IDS)),
    ...found
      .filter(({ rule, object }) => waiverOf(object, rule.id) === null)
      .map(
        ({ rule, object, message }): Breach => ({
          rule: rule.id,
          level: rule.level ?? "error",
          object: kindAndName(object),
          message,
        }),
      ),
  ];
}
