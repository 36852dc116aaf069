import type { Manifest } from "../../../infra/manifest.ts";
import { checkObjects } from "../../../infra/rules/check-objects.ts";
import type { CheckOptions } from "../../../infra/rules/rule.ts";
import { goodObjects } from "./manifests.ts";

/** The rules that find something, sorted. */
export function rulesOf(
  objects: readonly Manifest[],
  options: Partial<CheckOptions> = {},
): readonly string[] {
  const found = checkObjects(objects, { requireDigest: true, ...options });
  return [...new Set(found.map(({ rule }) => rule))].sort();
}

/** The good objects of all kinds but these. */
export function without(...kinds: readonly string[]): readonly Manifest[] {
  return goodObjects().filter(({ kind }) => !kinds.includes(kind));
}

/** The good objects, with the changed ones in the place of those of their kinds. */
export function insteadOf(...changed: readonly Manifest[]): readonly Manifest[] {
  return [...changed, ...without(...changed.map(({ kind }) => kind))];
}
