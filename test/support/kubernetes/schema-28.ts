import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Manifest } from "../../../infra/manifest.ts";

/** A type as jsii describes it: a primitive, a named struct, a list or map of a type, or one of several. */
type JsiiType = {
  readonly primitive?: "string" | "number" | "boolean" | "date" | "any";
  readonly fqn?: string;
  readonly collection?: { readonly kind: "array" | "map"; readonly elementtype: JsiiType };
  readonly union?: { readonly types: readonly JsiiType[] };
};
type JsiiProperty = { readonly name: string; readonly optional?: boolean; readonly type: JsiiType };
type Assembly = {
  readonly types: Readonly<
    Record<
      string,
      {
        readonly kind: string;
        readonly properties?: readonly JsiiProperty[];
        readonly docs?: { readonly custom?: { readonly schema?: string } };
      }
    >
  >;
};
type Field = { readonly isRequired: boolean; readonly type: JsiiType };

const PREFIX = "cdk8s-plus-28.k8s.";
const QUANTITY = /^[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;

const ROOT = dirname(createRequire(import.meta.url).resolve("cdk8s-plus-28/package.json"));
const assembly: Assembly = JSON.parse(readFileSync(join(ROOT, ".jsii"), "utf8"));
const source = readFileSync(join(ROOT, "lib/imports/k8s.js"), "utf8");

/** jsii spells acronyms its own way (`clusterIp`); only the generated converters know the field's name in YAML. */
const yamlNames = new Map(
  [...source.matchAll(/^function toJson_(\w+)\(obj\) \{([\s\S]*?)^\}/gm)].map(
    ([, struct = "", body = ""]) => [
      struct,
      new Map(
        [...body.matchAll(/^\s+'([^']+)': .*?\bobj\.(\w+)/gm)].map(([, yaml = "", own = ""]) => [own, yaml]),
      ),
    ],
  ),
);

function fieldsOf(struct: string): ReadonlyMap<string, Field> | null {
  const described = assembly.types[`${PREFIX}${struct}`];
  const names = yamlNames.get(struct);
  if (described?.kind !== "interface" || names === undefined) return null;
  return new Map(
    (described.properties ?? []).map(({ name, optional, type }) => [
      names.get(name) ?? name,
      { isRequired: !optional, type },
    ]),
  );
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function faultsOfStruct(
  value: unknown,
  struct: string,
  path: string,
  passedOver: readonly string[] = [],
): string[] {
  const short = struct.replace(PREFIX, "");
  if (short === "Quantity") return QUANTITY.test(String(value)) ? [] : [`${path} is no quantity`];
  if (short === "IntOrString") {
    return typeof value === "string" || Number.isInteger(value)
      ? []
      : [`${path} must be an integer or a string`];
  }
  const fields = fieldsOf(short);
  if (fields === null) return [`${path}: Kubernetes 1.28 has no ${short}`];
  if (!isRecord(value)) return [`${path} must be an object`];
  return [
    ...[...fields].flatMap(([key, { isRequired, type }]) => {
      if (value[key] !== undefined) return faultsOf(value[key], type, `${path}.${key}`);
      return isRequired ? [`${path}.${key} is required`] : [];
    }),
    ...Object.keys(value)
      .filter((key) => !fields.has(key) && !passedOver.includes(key))
      .map((key) => `${path}.${key} is unknown`),
  ];
}

function faultsOf(value: unknown, type: JsiiType, path: string): string[] {
  const { primitive, fqn, collection, union } = type;
  if (fqn !== undefined) return faultsOfStruct(value, fqn, path);
  if (union !== undefined) {
    const all = union.types.map((one) => faultsOf(value, one, path));
    return all.some((faults) => faults.length === 0) ? [] : (all[0] ?? []);
  }
  if (collection?.kind === "array") {
    return Array.isArray(value)
      ? value.flatMap((one, index) => faultsOf(one, collection.elementtype, `${path}[${index}]`))
      : [`${path} must be a list`];
  }
  if (collection?.kind === "map") {
    return isRecord(value)
      ? Object.entries(value).flatMap(([key, one]) => faultsOf(one, collection.elementtype, `${path}.${key}`))
      : [`${path} must be an object`];
  }
  if (primitive === "any") return [];
  // dates are strings in YAML
  const expected = primitive === "date" ? "string" : primitive;
  return typeof value === expected ? [] : [`${path} must be a ${expected}`];
}

/** The structs that the generated types of 1.28 describe; a changed package layout would leave none. */
export function countStructs(): number {
  return [...yamlNames.keys()].filter((struct) => fieldsOf(struct) !== null).length;
}

/**
 * What Kubernetes 1.28 would not take: unknown and missing fields, wrong types. From the jsii description of
 * cdk8s-plus-28, the only package of npm that carries that version's types; it has no enums.
 */
export function faultsIn28(object: Manifest): readonly string[] {
  const [version = "", group = "core"] = object.apiVersion.split("/").reverse();
  const schema = `io.k8s.api.${group.split(".")[0]}.${version}.${object.kind}`;
  const known = assembly.types[`${PREFIX}Kube${object.kind}`]?.docs?.custom?.schema;
  if (known !== schema) return [`Kubernetes 1.28 has no ${object.apiVersion} ${object.kind}`];
  return faultsOfStruct(object, `Kube${object.kind}Props`, object.kind, ["apiVersion", "kind"]);
}
