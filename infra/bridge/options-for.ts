import { describeObject } from "../manifest.ts";
import type { Settings } from "../settings/schema.ts";
import { idOf, importIdOf, type ObjectHeader } from "./adopt.ts";
import { phaseOf } from "./kinds.ts";

/** The annotation by which the provider decides what it does with the dependents of a deleted object. */
export const DELETION_PROPAGATION = "pulumi.com/deletionPropagationPolicy";

/** How one object is registered, as plain data. */
export type ObjectOptions = {
  /** Logical name, a part of the URN: if the name changes, the object is deleted and made anew. */
  readonly name: string;
  /** Objects wait for all of an earlier phase, and are deleted before them. */
  readonly phase: number;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly importId?: string;
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
  checkPropagation(object);
  return {
    name: `${kind}/${idOf(object)}`.toLowerCase(),
    phase: phaseOf(object),
    protect: settings.protect && (isNamespace || isSecret),
    retainOnDelete: settings.protect && isNamespace,
    ...(importId === undefined ? {} : { importId }),
  };
}

/**
 * Refuses a CronJob whose Jobs the provider would delete together with the CronJob: it deletes in the foreground unless
 * an annotation says otherwise. The chart sets the annotation, so that synth and `up` have the same objects.
 */
function checkPropagation(object: ObjectHeader): void {
  const written = object.metadata.annotations?.[DELETION_PROPAGATION] ?? "foreground";
  if (!["foreground", "background", "orphan"].includes(written))
    throw new Error(
      `${describeObject(object)}: ${DELETION_PROPAGATION} is "${written}"; write foreground, background or orphan in its construct`,
    );
  if (object.kind === "CronJob" && written !== "orphan")
    throw new Error(
      `${describeObject(object)}: its running Job would be killed when it is deleted or replaced; ` +
        `give it the annotation ${DELETION_PROPAGATION}: orphan in its construct`,
    );
}
