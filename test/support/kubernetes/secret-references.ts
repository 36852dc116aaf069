import { kindAndName, type Manifest } from "../../../infra/manifest.ts";
import { containersOf, podOf } from "../../../infra/rules/pod.ts";

/** A Secret that pods need; `keys` is empty where all of them are taken. */
export type SecretReference = {
  readonly name: string;
  readonly keys: readonly string[];
  /** Whether pods start without it. */
  readonly isOptional: boolean;
  /** Kind/name of what refers to it. */
  readonly usedBy: readonly string[];
};

type Use = {
  readonly name: string | undefined;
  readonly key?: string | undefined;
  readonly optional: boolean;
};

function usesOf(object: Manifest): readonly Use[] {
  const spec = podOf(object)?.spec ?? {};
  const account =
    object.kind === "ServiceAccount"
      ? (object.imagePullSecrets as readonly { readonly name?: string }[] | undefined)
      : [];
  return [
    ...containersOf(spec).flatMap(({ env = [], envFrom = [] }) => [
      ...env.flatMap(({ valueFrom }) => (valueFrom?.secretKeyRef ? [valueFrom.secretKeyRef] : [])),
      ...envFrom.flatMap(({ secretRef }) => (secretRef ? [secretRef] : [])),
    ]),
    ...(spec.volumes ?? []).flatMap(({ secret }) =>
      secret ? [{ name: secret.secretName, optional: secret.optional ?? false }] : [],
    ),
    ...[...(spec.imagePullSecrets ?? []), ...(account ?? [])],
  ].map((use) => ({ optional: false, key: undefined, name: undefined, ...use }));
}

/** Every Secret that the objects refer to, by name: what must be in the namespace before the pods start. */
export function listSecretReferences(objects: readonly Manifest[]): readonly SecretReference[] {
  const uses = objects.flatMap((object) =>
    usesOf(object).map((use) => ({ ...use, user: kindAndName(object) })),
  );
  const names = [...new Set(uses.flatMap(({ name }) => (name === undefined ? [] : [name])))].sort();
  return names.map((name) => {
    const own = uses.filter((use) => use.name === name);
    return {
      name,
      keys: [...new Set(own.flatMap(({ key }) => (key === undefined ? [] : [key])))].sort(),
      isOptional: own.every(({ optional }) => optional),
      usedBy: [...new Set(own.map(({ user }) => user))],
    };
  });
}
