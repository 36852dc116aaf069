import type { Settings } from "../settings/schema.ts";
import { describeObject, idOf, importIdOf, type ObjectHeader } from "./adopt.ts";
import { phaseOf } from "./kinds.ts";

export const DELETION_PROPAGATION = "pulumi.com/deletionPropagationPolicy";
export type DeletionPropagation = "foreground" | "background" | "orphan";

/** How one object is registered, as plain data. */
export type ObjectOptions = {
  /** Logical name, a part of the URN: if the name changes, the object is deleted and made anew. */
  readonly name: string;
  /** Objects wait for all of an earlier phase, and are deleted before them. */
  readonly phase: number;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly importId?: string;
  /**
   * What the provider does with the dependents of an object; the provider reads this from an annotation of the object.
   */
  readonly deletionPropagation: DeletionPropagation;
};

/**
 * All decisions about an object except its content. `protect` covers what this repository cannot make again: the
 * namespace, whose deletion deletes all objects in it, and secrets, also those that an ExternalSecret owns. When the
 * namespace leaves the program it stays in the cluster, with the secrets that other people made there. A Secret that
 * this program made is deleted, because a forgotten password in a cluster is worse than a deleted one.
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
 * The provider deletes in the foreground unless an annotation of the object says otherwise, and would delete the Jobs
 * of a CronJob together with the CronJob. The chart sets the annotation, so that synth and `up` have the same objects;
 * this function only refuses a CronJob without it.
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
