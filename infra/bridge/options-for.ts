import type { Settings } from "../settings/schema.ts";
import { describeObject, idOf, importIdOf, type ObjectHeader } from "./adopt.ts";
import { phaseOf } from "./kinds.ts";

export const DELETION_PROPAGATION = "pulumi.com/deletionPropagationPolicy";
export type DeletionPropagation = "foreground" | "background" | "orphan";

/** How one object is registered, as plain data. */
export type ObjectOptions = {
  /** Logical name: it is part of the URN, so a change of it deletes and creates the object. */
  readonly name: string;
  /** Objects wait for all of an earlier phase, and are deleted before them. */
  readonly phase: number;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly importId?: string;
  /** What the provider does with an object's dependents; it reads it off the object itself. */
  readonly deletionPropagation: DeletionPropagation;
};

/**
 * Every decision about an object but its content. `protect` covers what cannot be made again from this repository:
 * the namespace, whose deletion takes all in it, and secrets, an ExternalSecret's included since it owns one. The
 * namespace also stays in the cluster once it leaves the program, with the secrets that others made in it; a Secret
 * of ours does not, for a forgotten password is worse than a deleted one.
 */
export function optionsFor(object: ObjectHeader, settings: Settings): ObjectOptions {
  const { kind } = object;
  const isNamespace = kind === "Namespace";
  const isSecret = kind === "Secret" || kind === "ExternalSecret";
  const importId = importIdOf(object, settings.adopt);
  return {
    name: `${kind}/${idOf(object)}`.toLowerCase(),
    phase: phaseOf(object),
    protect: settings.protect && (isNamespace || isSecret),
    retainOnDelete: settings.protect && isNamespace,
    ...(importId === undefined ? {} : { importId }),
    deletionPropagation: propagationOf(object),
  };
}

/**
 * The provider deletes in the foreground unless an annotation of the object says otherwise, and would end the Jobs of
 * a CronJob with it. The annotation belongs to the chart, so that synth and `up` have the same objects; here it is
 * only demanded.
 */
function propagationOf(object: ObjectHeader): DeletionPropagation {
  const written = object.metadata.annotations?.[DELETION_PROPAGATION] ?? "foreground";
  if (written !== "foreground" && written !== "background" && written !== "orphan")
    throw new Error(
      `${describeObject(object)}: ${DELETION_PROPAGATION} is "${written}"; write foreground, background or orphan in its construct`,
    );
  if (object.kind === "CronJob" && written !== "orphan")
    throw new Error(
      `${describeObject(object)}: its running Job would be killed when it is deleted or replaced; ` +
        `give it the annotation ${DELETION_PROPAGATION}: orphan in its construct`,
    );
  return written;
}
