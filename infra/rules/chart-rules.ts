import { type Manifest, nameOf } from "../manifest.ts";
import { faultOfSchedule } from "../model/schedule.ts";
import { EGRESS_RULES } from "./egress-rules.ts";
import { sharedStart } from "./minute-offset.ts";
import { containersOf, cronJobOf, podOf } from "./pod.ts";
import type { ChartRule } from "./rule.ts";
import { isSelected, type Selector } from "./selector.ts";

/** The syncs start when a candle closes: at minute 0 by nature. They share the exchange's budget by a lock. */
const SYNC = /(^|-)sync-/;

type PolicySpec = { readonly podSelector?: Selector; readonly policyTypes?: readonly string[] };
type Subject = { readonly kind: string; readonly name: string; readonly namespace?: string };

const isSamePlace = (one: Manifest, other: Manifest) =>
  (one.metadata.namespace ?? "") === (other.metadata.namespace ?? "");

/** The names of a kind's objects in the namespace of `near`. */
function namesOf(
  objects: readonly Manifest[],
  kind: string,
  near: Manifest,
): readonly (string | undefined)[] {
  return objects
    .filter((object) => object.kind === kind && isSamePlace(object, near))
    .map(({ metadata }) => metadata.name);
}

/** What objects must be to each other; only the whole set can tell. */
export const CHART_RULES: readonly ChartRule[] = [
  ...EGRESS_RULES,
  {
    id: "unique-names",
    level: "error",
    why: "The second of two objects of one name overwrites the first.",
    upstream: [],
    check: (objects) =>
      objects
        .filter((object, index) =>
          objects.some(
            (other, before) =>
              before < index && nameOf(other) === nameOf(object) && isSamePlace(other, object),
          ),
        )
        .map((object) => ({ object, message: "is there twice; give one of them another name" })),
  },
  {
    id: "network-policy",
    level: "error",
    why: "A pod that no policy selects may talk to everything, and everything to it.",
    upstream: [
      "kube-linter non-isolated-pod",
      "kube-score pod-networkpolicy",
      "polaris missingNetworkPolicy",
    ],
    check: (objects, { externalNetworkPolicy }) =>
      externalNetworkPolicy
        ? []
        : objects.flatMap((object) => {
            const pod = podOf(object);
            if (pod === null) return [];
            const types = objects
              .filter((policy) => policy.kind === "NetworkPolicy" && isSamePlace(policy, object))
              .map((policy) => (policy.spec as PolicySpec | undefined) ?? {})
              .filter(({ podSelector }) => isSelected(podSelector ?? {}, pod.labels))
              // a policy without policyTypes limits Ingress, and Egress only if it has rules for it
              .flatMap(({ policyTypes }) => policyTypes ?? ["Ingress"]);
            return ["Ingress", "Egress"]
              .filter((type) => !types.includes(type))
              .map((type) => ({
                object,
                message: `no NetworkPolicy limits the ${type} of its pods; select their labels in one of policyTypes [${type}]`,
              }));
          }),
  },
  {
    id: "service-account-exists",
    level: "error",
    why: "Pods of a ServiceAccount that is not there are never made; a binding to one grants nothing.",
    upstream: ["kube-linter non-existent-service-account"],
    check: (objects, { externalServiceAccounts = [] }) =>
      objects.flatMap((object) => {
        const account = podOf(object)?.spec.serviceAccountName;
        const isKnown =
          !account ||
          externalServiceAccounts.includes(account) ||
          namesOf(objects, "ServiceAccount", object).includes(account);
        return isKnown
          ? []
          : [
              {
                object,
                message: `ServiceAccount ${account} is not among the objects; add it, or declare it external (serviceAccountCreate: false)`,
              },
            ];
      }),
  },
  {
    id: "binding-subject",
    level: "error",
    // cdk8s-plus binds an account that is known by its name to namespace `default` unless the program names another
    why: "A binding to an account of another namespace grants nothing, and Kubernetes reports no error.",
    upstream: [],
    check: (objects, { externalServiceAccounts = [] }) =>
      objects
        .filter(({ kind }) => kind === "RoleBinding")
        .flatMap((object) =>
          ((object.subjects as readonly Subject[] | undefined) ?? [])
            .filter(({ kind }) => kind === "ServiceAccount")
            .filter(
              ({ name, namespace }) =>
                namespace !== object.metadata.namespace ||
                !(
                  externalServiceAccounts.includes(name) ||
                  namesOf(objects, "ServiceAccount", object).includes(name)
                ),
            )
            .map(({ name, namespace }) => ({
              object,
              message: `binds ServiceAccount ${namespace ?? "(no namespace)"}/${name}, which is not among the objects; name one of ${object.metadata.namespace}`,
            })),
        ),
  },
  {
    id: "config-map-exists",
    level: "error",
    why: "Pods of a ConfigMap that is not there end in CreateContainerConfigError.",
    upstream: ["Monokle resource-links"],
    check: (objects, { externalConfigMaps = [] }) =>
      objects.flatMap((object) => {
        const spec = podOf(object)?.spec ?? {};
        const references = [
          ...containersOf(spec).flatMap(({ env = [], envFrom = [] }) => [
            ...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef),
            ...envFrom.map(({ configMapRef }) => configMapRef),
          ]),
          ...(spec.volumes ?? []).map(({ configMap }) => configMap),
        ];
        const names = references.flatMap((reference) =>
          reference?.name && !reference.optional ? [reference.name] : [],
        );
        return [...new Set(names)]
          .filter(
            (name) =>
              !externalConfigMaps.includes(name) && !namesOf(objects, "ConfigMap", object).includes(name),
          )
          .map((name) => ({
            object,
            message: `ConfigMap ${name} is not among the objects; add it or correct the name`,
          }));
      }),
  },
  {
    id: "minute-offset",
    level: "error",
    why: "Two heavy jobs that start in one minute wait for each other's pulls, connections and locks.",
    upstream: [],
    check: (objects) => {
      const jobs = objects.flatMap((object) => {
        const { schedule = "", timeZone } = cronJobOf(object) ?? {};
        const isHeavy =
          cronJobOf(object) !== null &&
          !SYNC.test(object.metadata.name ?? "") &&
          faultOfSchedule(schedule) === null;
        return isHeavy ? [{ object, schedule, timeZone }] : [];
      });
      return jobs.flatMap(({ object, schedule, timeZone }, index) =>
        jobs.slice(0, index).flatMap((other) => {
          const start = timeZone === other.timeZone ? sharedStart(schedule, other.schedule) : null;
          return start === null
            ? []
            : [
                {
                  object,
                  message: `starts at ${start} as ${nameOf(other.object)} does; move its minute`,
                },
              ];
        }),
      );
    },
  },
];
