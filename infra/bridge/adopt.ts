import { SettingsFault } from "../errors.ts";
import { kindAndName, type Manifest } from "../manifest.ts";
import { isAdoptable } from "../settings/adoptable.ts";

/** The parts of an object by which the bridge names the object, without its content. */
export type ObjectHeader = Pick<Manifest, "apiVersion" | "kind" | "metadata">;

/** What the provider calls the id of an object: `namespace/name`, or `name` where it has no namespace. */
export function idOf({ kind, metadata: { name, namespace } }: ObjectHeader): string {
  if (name === undefined)
    throw new Error(
      `${kind} without metadata.name: Pulumi would invent a name and synth would not; name it in its construct`,
    );
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function isMatch(entry: string, object: ObjectHeader): boolean {
  return entry === kindAndName(object) || entry === `${object.kind}/*`;
}

/** Import id of an object that the setting `adopt` lists or selects; undefined: it is created. */
export function importIdOf(object: ObjectHeader, adopt: readonly string[]): string | undefined {
  return adopt.some((entry) => isMatch(entry, object)) ? idOf(object) : undefined;
}

/**
 * Refuses entries of `adopt` that select nothing: after a typing error Pulumi would try to create an existing object.
 */
export function checkAdoption(objects: readonly ObjectHeader[], adopt: readonly string[]): void {
  const idle = adopt.flatMap((entry, index) =>
    objects.some((object) => isMatch(entry, object)) ? [] : [index],
  );
  if (idle.length === 0) return;
  const known = objects
    .filter(({ kind }) => isAdoptable(kind))
    .map(kindAndName)
    .join(", ");
  throw new SettingsFault(
    idle.map((index) => `r3a:adopt[${index}]: selects nothing; write Kind/* or one of ${known}`),
  );
}
