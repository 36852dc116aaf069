import { kindAndName, type Manifest } from "../manifest.ts";

/** What an environment declares about objects that other people make. */
export type CheckOptions = {
  /** Whether an image without a digest is an error: production. */
  readonly requireDigest: boolean;
  /** ServiceAccounts that someone else makes, by name. */
  readonly externalServiceAccounts?: readonly string[];
  /** ConfigMaps that someone else makes, by name. */
  readonly externalConfigMaps?: readonly string[];
  /** Whether someone else's NetworkPolicies isolate the pods (`networkPolicy: false`). */
  readonly externalNetworkPolicy?: boolean;
};

export type Breach = {
  readonly rule: string;
  readonly level: "error" | "warn";
  /** Kind/name. */
  readonly object: string;
  /** What is wrong, then what to do. */
  readonly message: string;
};

/**
 * What every rule says of itself. A comment `as ...` beside it names the same rule in kube-linter, kube-score, polaris,
 * datree, KICS, Pod Security (PSS) or Monokle (KBP).
 */
type Described = {
  /** Also the name of its waiver: `r3a.dev/waive-<id>: <reason>` on the object. */
  readonly id: string;
  /** A breach is only a warning. Absent: a breach is an error. */
  readonly level?: "warn";
  readonly why: string;
};

/** A rule about one thing; each text that it returns is one breach. Wrong types are for the schema, not for a rule. */
export type Rule<Subject> = Described & {
  check(subject: Subject, options: CheckOptions): readonly string[];
};

/** A rule about all objects together; it names the object of each breach. */
export type ChartRule = Described & {
  check(
    objects: readonly Manifest[],
    options: CheckOptions,
  ): readonly { readonly object: Manifest; readonly message: string }[];
};

/** The annotation that allows a CronJob to run for longer than its period; its value is the reason. */
export const MAY_OVERRUN = "r3a.dev/may-overrun";
const WAIVER = "r3a.dev/waive-";

/** Why an object may break a rule; null: the object has no waiver with a reason. */
export function waiverOf(object: Manifest, ruleId: string): string | null {
  return object.metadata.annotations?.[`${WAIVER}${ruleId}`]?.trim() || null;
}

/** Waivers without a reason, or of a rule that does not exist: after a typing error a waiver would waive nothing. */
export function faultyWaivers(object: Manifest, ruleIds: readonly string[]): readonly Breach[] {
  return Object.entries(object.metadata.annotations ?? {}).flatMap(([key, reason]): Breach[] => {
    const isWaiver = key.startsWith(WAIVER);
    if (!isWaiver && key !== MAY_OVERRUN) return [];
    const breach = (rule: string, message: string): Breach => ({
      rule,
      level: "error",
      object: kindAndName(object),
      message: `${key} ${message}`,
    });
    const isKnown = !isWaiver || ruleIds.includes(key.slice(WAIVER.length));
    return [
      ...(isKnown ? [] : [breach("waiver-rule", "names no rule that exists; write r3a.dev/waive-<rule id>")]),
      ...(reason.trim() === ""
        ? [breach("waiver-reason", "has no reason; write why the rule does not hold here")]
        : []),
    ];
  });
}
