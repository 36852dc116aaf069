/** A Kubernetes object as it stands in YAML. What lies below `metadata` is read through the types of `rules/pod.ts`. */
export type Manifest = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
};

/** `CronJob/r3a-sync-1m`: how rules, settings and outputs name an object. */
export function kindAndName({ kind, metadata: { name } }: Pick<Manifest, "kind" | "metadata">): string {
  return `${kind}/${name ?? "(no name)"}`;
}

/** `CronJob r3a/r3a-sync-1m`: how messages name an object where its namespace counts. */
export function describeObject({ kind, metadata }: Pick<Manifest, "kind" | "metadata">): string {
  const { name, namespace } = metadata;
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name ?? "(no name)"}`;
}
