import { describeObject, type Manifest } from "../manifest.ts";

/** A Kubernetes object, by the fields that identify it. */
export type PlainObject = Pick<Manifest, "kind" | "metadata">;

/** One changed field; undefined: the field is absent. */
export type FieldChange = { readonly path: string; readonly before: unknown; readonly after: unknown };

export type ObjectChange = {
  /** `CronJob r3a/r3a-sync-1m`. */
  readonly object: string;
  readonly change: "added" | "removed" | "changed";
  /** Empty if the whole object was added or removed. */
  readonly fields: readonly FieldChange[];
};

/** The changes of each object between two renderings; unchanged objects are left out. */
export function diffObjects(
  before: readonly PlainObject[],
  after: readonly PlainObject[],
): readonly ObjectChange[] {
  const old = new Map(before.map((object) => [describeObject(object), object]));
  const next = new Map(after.map((object) => [describeObject(object), object]));
  return [...new Set([...old.keys(), ...next.keys()])].flatMap((object): readonly ObjectChange[] => {
    if (!next.has(object)) return [{ object, change: "removed", fields: [] }];
    if (!old.has(object)) return [{ object, change: "added", fields: [] }];
    const fields = diffValues("", old.get(object), next.get(object));
    return fields.length === 0 ? [] : [{ object, change: "changed", fields }];
  });
}

function diffValues(path: string, before: unknown, after: unknown): readonly FieldChange[] {
  const [old, next] = [childrenOf(before), childrenOf(after)];
  if (old === null || next === null || Array.isArray(before) !== Array.isArray(after))
    return before === after ? [] : [{ path, before, after }];
  return [...new Set([...old.keys(), ...next.keys()])].flatMap((step) =>
    diffValues(path === "" ? step.replace(/^\./, "") : `${path}${step}`, old.get(step), next.get(step)),
  );
}

/**
 * The parts of a map or list by their step in a path. The items of a list go by their names if all have different ones,
 * as Kubernetes merges such lists: a new first container does not change all others. Null: a plain value.
 */
function childrenOf(value: unknown): ReadonlyMap<string, unknown> | null {
  if (typeof value !== "object" || value === null) return null;
  if (!Array.isArray(value)) {
    const entries = Object.entries(value).filter(([, each]) => each !== undefined);
    return new Map(entries.map(([key, each]) => [/^\w+$/.test(key) ? `.${key}` : `["${key}"]`, each]));
  }
  const names = value.map((item: unknown) =>
    typeof item === "object" && item !== null && "name" in item ? String(item.name) : null,
  );
  const isNamed = !names.includes(null) && new Set(names).size === names.length;
  return new Map(value.map((item: unknown, index) => [`[${isNamed ? names[index] : index}]`, item]));
}
