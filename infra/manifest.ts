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

/** Kind/name, as breaches and messages name an object. */
export function nameOf(object: Manifest): string {
  return `${object.kind}/${object.metadata.name ?? "(no name)"}`;
}
