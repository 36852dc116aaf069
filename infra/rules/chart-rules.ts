import { kindAndName, type Manifest } from "../manifest.ts";
import { faultOfSchedule } from "../model/schedule.ts";
import { EGRESS_RULES } from "./egress-rules.ts";
import { sharedStart } from "./minute-offset.ts";
import { containersOf, cronJobOf, podOf } from "./pod.ts";
import type { ChartRule } from "./rule.ts";
import { isSamePlace, listPoliciesOf, policyOf } from "./selector.ts";

/** The syncs start when a candle closes: at minute 0 by nature. They share the exchange's budget by a lock. */
const SYNC = /(^|-)sync-/;

type Subject = { readonly kind: string; readonly name: string; readonly namespace?: string };

/** Whether an object of this kind and name is in the namespace of `near`; other people make those of `external`. */
const finderOf =
  (objects: readonly Manifest[], kind: string, external: readonly string[] = []) =>
  (name: string, near: Manifest): boolean =>
    external.includes(name) ||
    objects.some((other) => other.kind === kind && other.metadata.name === name && isSamePlace(other, near));

/** What objects must be to each other; only the whole set can tell. */
export const CHART_RULES: readonly ChartRule[] = [
  ...EGRESS_RULES,
  {
    id: "unique-names",
    why: "The second of two objects with one name overwrites the first.",
    check: (objects) =>
      objects
        .filter((object, index) =>
          objects.some(
            (other, before) =>
              before < index && kindAndName(other) === kindAndName(object) && isSamePlace(other, object),
          ),
        )
        .map((object) => ({ object, message: "is there twice; give one of them another name" })),
  },
  {
    id: "network-policy",
    // as kube-linter non-isolated-pod, kube-score pod-networkpolicy, polaris missingNetworkPolicy
    why: "If no policy selects a pod, the pod may connect to everything, and everything to the pod.",
    check: (objects, { externalNetworkPolicy }) =>
      externalNetworkPolicy
        ? []
        : objects
            .filter((object) => podOf(object) !== null)
            .flatMap((object) => {
              const types = listPoliciesOf(object, objects)
                // a policy without policyTypes limits Ingress, and Egress only if it has rules for it
                .flatMap((policy) => policyOf(policy)?.policyTypes ?? ["Ingress"]);
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
    // as kube-linter non-existent-service-account
    why: "Kubernetes makes no pods of a ServiceAccount that does not exist, and a binding to one grants nothing.",
    check: (objects, { externalServiceAccounts }) => {
      const isThere = finderOf(objects, "ServiceAccount", externalServiceAccounts);
      return objects.flatMap((object) => {
        const account = podOf(object)?.spec.serviceAccountName;
        const message = `ServiceAccount ${account} is not among the objects; add it, or declare it external (serviceAccountCreate: false)`;
        return !account || isThere(account, object) ? [] : [{ object, message }];
      });
    },
  },
  {
    id: "binding-subject",
    // cdk8s-plus binds an account that is known by its name to namespace `default` unless the program names another
    why: "A binding to an account of another namespace grants nothing, and Kubernetes reports no error.",
    check: (objects, { externalServiceAccounts }) => {
      const isThere = finderOf(objects, "ServiceAccount", externalServiceAccounts);
      return objects
        .filter(({ kind }) => kind === "RoleBinding")
        .flatMap((object) => {
          const { namespace: own } = object.metadata;
          return ((object.subjects as readonly Subject[] | undefined) ?? [])
            .filter(({ kind }) => kind === "ServiceAccount")
            .filter(({ name, namespace }) => namespace !== own || !isThere(name, object))
            .map(({ name, namespace }) => ({
              object,
              message: `binds ServiceAccount ${namespace ?? "(no namespace)"}/${name}, which is not among the objects; name one of ${own}`,
            }));
        });
    },
  },
  {
    id: "config-map-exists",
    // as Monokle resource-links
    why: "If its ConfigMap does not exist, a pod ends in CreateContainerConfigError.",
    check: (objects, { externalConfigMaps }) => {
      const isThere = finderOf(objects, "ConfigMap", externalConfigMaps);
      return objects.flatMap((object) => {
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
          .filter((name) => !isThere(name, object))
          .map((name) => ({
            object,
            message: `ConfigMap ${name} is not among the objects; add it or correct the name`,
          }));
      });
    },
  },
  {
    id: "minute-offset",
    why: "Two heavy jobs that start in the same minute wait for each other's pulls, connections and locks.",
    check: (objects) => {
      const jobs = objects.flatMap((object) => {
        const { schedule = "", timeZone } = cronJobOf(object) ?? {};
        const isHeavy = faultOfSchedule(schedule) === null && !SYNC.test(object.metadata.name ?? "");
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
                  message: `starts at ${start} as ${kindAndName(other.object)} does; move its minute`,
                },
              ];
        }),
      );
    },
  },
];
