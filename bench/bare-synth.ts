import { readFileSync } from "node:fs";
import { App, Chart } from "cdk8s";
import { k8s } from "cdk8s-plus-28";

/**
 * A cdk8s program without anything around it: the same objects of every environment, as literals, over the same
 * classes. The base that `npm run synth` is compared with.
 */

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
type Kind =
  | "ConfigMap"
  | "CronJob"
  | "Job"
  | "Namespace"
  | "NetworkPolicy"
  | "Role"
  | "RoleBinding"
  | "ServiceAccount";

const [file = "", outdir = ""] = process.argv.slice(2);
const environments = JSON.parse(readFileSync(file, "utf8")) as Record<
  string,
  { kind: Kind; [key: string]: Json }[]
>;

for (const [stack, objects] of Object.entries(environments)) {
  const app = new App({ outdir: `${outdir}/${stack}`, outputFileExtension: ".yaml" });
  const chart = new Chart(app, "r3a", { disableResourceNameHashes: true });
  for (const [index, { apiVersion: _, kind, ...props }] of objects.entries())
    Reflect.construct(k8s[`Kube${kind}`], [chart, `object-${index}`, literalOf(props)]);
  app.synth();
}

/** Quantities and ports are objects of their own in the typed classes. */
function literalOf(value: Json, key = ""): unknown {
  if (Array.isArray(value)) return value.map((each) => literalOf(each));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, literalOf(each, name)]));
  if (key === "port" && typeof value === "number") return k8s.IntOrString.fromNumber(value);
  if (/^(cpu|memory|ephemeral-storage|sizeLimit)$/.test(key)) return k8s.Quantity.fromString(String(value));
  return value;
}
