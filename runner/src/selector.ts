/** The grammar of label selectors, for the settings of infra and for the janitor that obeys them. Imports nothing. */

/** One requirement of a label selector; `=` and `==` are In, `!=` is NotIn, as Kubernetes has it. */
type Requirement =
  | { readonly key: string; readonly operator: "In" | "NotIn"; readonly values: readonly string[] }
  | { readonly key: string; readonly operator: "Exists" | "DoesNotExist" }
  | { readonly key: string; readonly operator: "Gt" | "Lt"; readonly value: number };

export type Selector = { readonly text: string; readonly requirements: readonly Requirement[] };

type ParsedSelector = { readonly requirements: readonly Requirement[] } | { readonly fault: string };

const TOKEN = /\s*(==|!=|[=!<>(),]|[^\s=!<>(),]+)/g;
const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LONGEST_PREFIX = 253;
const SYMBOL = /^(==|!=|[=!<>(),])$/;

/**
 * Parses the label-selector grammar of `kubectl -l`. Whatever is not fully understood is a fault, the empty selector
 * too: it would match every pod or none, depending on who reads it.
 */
export function parseSelector(text: string): ParsedSelector {
  const tokens = tokensOf(text);
  if (tokens.length === 0) return { fault: "an empty selector is refused" };
  const requirements: Requirement[] = [];
  let at = 0;
  const take = (): string | undefined => tokens[at++];

  /** `(a, b,)`: a missing word is the empty value. */
  function takeValues(): readonly string[] | null {
    if (take() !== "(" || tokens[at] === ")") return null;
    const values: string[] = [];
    for (;;) {
      const token = tokens[at];
      const isWord = token !== undefined && !SYMBOL.test(token);
      if (isWord) at++;
      values.push(isWord ? token : "");
      const end = take();
      if (end === ")") return values;
      if (end !== ",") return null;
    }
  }

  function takeRequirement(): Requirement | string {
    const isNegated = tokens[at] === "!";
    if (isNegated) at++;
    const key = take();
    if (key === undefined || SYMBOL.test(key)) return "a key is missing";
    if (!isKey(key)) return `"${key}" is no label key`;
    const operator = tokens[at];
    if (operator === undefined || operator === ",")
      return { key, operator: isNegated ? "DoesNotExist" : "Exists" };
    if (isNegated) return `"!${key}" takes no operator`;
    at++;
    if (operator === "in" || operator === "notin") {
      const values = takeValues();
      if (values === null) return `"${key} ${operator}" needs values in brackets, e.g. ${key} in (a, b)`;
      return { key, operator: operator === "in" ? "In" : "NotIn", values };
    }
    const isBare = tokens[at] === undefined || tokens[at] === ",";
    const value = isBare ? "" : (take() ?? "");
    if (SYMBOL.test(value)) return `"${key}${operator}" has no value`;
    if (operator === "<" || operator === ">") {
      if (!/^-?\d+$/.test(value)) return `"${key}${operator}" needs a whole number`;
      return { key, operator: operator === ">" ? "Gt" : "Lt", value: Number(value) };
    }
    if (operator === "=" || operator === "==") return { key, operator: "In", values: [value] };
    if (operator === "!=") return { key, operator: "NotIn", values: [value] };
    return `"${operator}" is no operator`;
  }

  for (;;) {
    const requirement = takeRequirement();
    if (typeof requirement === "string") return { fault: requirement };
    if ("values" in requirement)
      for (const value of requirement.values)
        if (value !== "" && !NAME.test(value)) return { fault: `"${value}" is no label value` };
    requirements.push(requirement);
    const separator = take();
    if (separator === undefined) return { requirements };
    if (separator !== ",") return { fault: `"${separator}" stands where a comma or the end should be` };
  }
}

/**
 * Parses `a=b;c in (x, y)`. Throws one sentence with all that is wrong; a blank text is an empty selector, and so refused.
 */
export function parseSelectors(text: string): readonly Selector[] {
  const faults: string[] = [];
  const selectors = text.split(";").flatMap((part) => {
    const own = part.trim();
    const parsed = parseSelector(own);
    if (!("fault" in parsed)) return [{ text: own, requirements: parsed.requirements }];
    faults.push(`${JSON.stringify(own)} is no label selector: ${parsed.fault}`);
    return [];
  });
  if (faults.length > 0) throw new Error(`${faults.join("; ")}, e.g. app=postgres`);
  return selectors;
}

/** Whether labels meet every requirement, as the API server decides it: NotIn also takes what lacks the label. */
export function matches(
  requirements: readonly Requirement[],
  labels: Readonly<Record<string, string>>,
): boolean {
  return requirements.every((requirement) => {
    const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
    switch (requirement.operator) {
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
      case "In":
        return value !== undefined && requirement.values.includes(value);
      case "NotIn":
        return value === undefined || !requirement.values.includes(value);
      case "Gt":
        return isWhole(value) && Number(value) > requirement.value;
      case "Lt":
        return isWhole(value) && Number(value) < requirement.value;
      default:
        return requirement satisfies never;
    }
  });
}

function isWhole(value: string | undefined): boolean {
  return value !== undefined && /^[-+]?\d+$/.test(value);
}

function tokensOf(text: string): readonly string[] {
  return [...text.trim().matchAll(TOKEN)].map(([, token]) => token ?? "");
}

/** An optional DNS name as prefix, a slash and 63 characters at most. */
function isKey(key: string): boolean {
  const parts = key.split("/");
  const [first = "", second] = parts;
  if (second === undefined) return NAME.test(first);
  return parts.length === 2 && first.length <= LONGEST_PREFIX && PREFIX.test(first) && NAME.test(second);
}
