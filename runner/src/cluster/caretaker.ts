import { MANAGER } from "../contract/names.ts";
import type { Metadata } from "./objects.ts";

/**
 * Tools that make a deleted object again, or clean it up themselves, by the domain of the labels and annotations that
 * they write. If the janitor deleted a one-shot Job of such a tool, the Job would run a second time.
 */
const CARETAKERS: Readonly<Record<string, string>> = {
  "argoproj.io": "Argo",
  "fluxcd.io": "Flux",
  "meta.helm.sh": "Helm",
  "helm.cattle.io": "the Helm controller of Rancher",
  "fleet.cattle.io": "Rancher Fleet",
  "objectset.rio.cattle.io": "Rancher Fleet",
  "configsync.gke.io": "Config Sync",
  "configmanagement.gke.io": "Config Sync",
  "config.k8s.io": "an inventory of kpt or Config Sync",
  "cli-utils.sigs.k8s.io": "an inventory of kpt or Config Sync",
  "applyset.kubernetes.io": "kubectl apply --prune",
  "addonmanager.kubernetes.io": "the addon manager",
  "k14s.io": "kapp",
  "kluctl.io": "kluctl",
  "werf.io": "werf",
  "spinnaker.io": "Spinnaker",
  "oam.dev": "KubeVela",
  "crossplane.io": "Crossplane",
  "karmada.io": "Karmada",
  "open-cluster-management.io": "Open Cluster Management",
  "operators.coreos.com": "the Operator Lifecycle Manager",
  "sparkoperator.k8s.io": "the Spark operator",
  "tekton.dev": "Tekton",
  "cnpg.io": "CloudNativePG",
  "runner.gitlab.com": "GitLab Runner",
  "prow.k8s.io": "Prow",
};
const MIRROR = "kubernetes.io/config.mirror";
const MANAGED_BY = "app.kubernetes.io/managed-by";
/**
 * Charts and Argo CD write these; templates copy them to Jobs and pods, where they do not mean that a tool looks after
 * the object.
 */
const INSTALLED = ["app.kubernetes.io/instance", "helm.sh/chart", "heritage"];

/**
 * Which tool looks after an object, by its labels and annotations, as a sentence for the plan; null where they name
 * none. `isMade`: a Job or CronJob made the object from a template, so the labels that a chart copies everywhere do not
 * count.
 */
export function caretakerOf({ labels = {}, annotations = {} }: Metadata, isMade: boolean): string | null {
  const keys = [...Object.keys(labels), ...Object.keys(annotations)];
  if (keys.includes(MIRROR)) return "is the mirror of a static pod, which the kubelet looks after";
  const hook = keys.find((key) => /^helm\.sh\/(hook|resource-policy)/.test(key));
  if (hook !== undefined) return `Helm looks after it (${hook})`;
  for (const key of keys) {
    const name = nameOfDomain(key.split("/")[0] ?? "");
    if (name !== null) return `${name} looks after it (${key})`;
  }
  if (isMade) return null;
  const manager = labels[MANAGED_BY];
  if (manager !== undefined && manager !== MANAGER) return `${manager} looks after it (${MANAGED_BY})`;
  const installed = INSTALLED.find((key) => key in labels);
  return installed === undefined ? null : `a chart or Argo CD looks after it (${installed})`;
}

function nameOfDomain(domain: string): string | null {
  const found = Object.keys(CARETAKERS).find((known) => domain === known || domain.endsWith(`.${known}`));
  return found === undefined ? null : (CARETAKERS[found] ?? null);
}
