import { type KubeObject, kubectl, listObjects } from "./kubectl.ts";
import { check, expectEqual, say } from "./report.ts";
import { ROOT, runTool } from "./run-tool.ts";

const CHART = `${ROOT}test/cluster/helm/r3a-sync`;
const KINDS = "cronjob,configmap,serviceaccount";
const OWNERSHIP = /^meta\.helm\.sh\/|^helm\.sh\//;

/** Objects that carry the label that Helm puts on all of its own. */
const listHelmObjects = () => listObjects<KubeObject>(KINDS, "-l", "app.kubernetes.io/managed-by=Helm");

const byName = (objects: readonly KubeObject[]) =>
  Object.fromEntries(objects.map(({ kind, metadata }) => [`${kind}/${metadata.name}`, metadata.uid]));

/**
 * A real Helm release under the old chart's names becomes ours by the steps of docs/deploy.md: suspend, keep,
 * uninstall, apply, clean up. Nothing is deleted or made again: every uid stays. `applyOurs` applies the chart's
 * objects and takes the fields over.
 */
export async function checkAdoption(applyOurs: () => Promise<void>): Promise<void> {
  const helm = await runTool("sh", ["-c", "command -v helm"]).then(
    (path) => path.trim(),
    () => null,
  );
  if (helm === null) return say("  not run: the adoption of a Helm release; there is no helm on the PATH");
  await check("what Helm made is adopted", () => adoptRelease(helm, applyOurs));
}

async function adoptRelease(helm: string, applyOurs: () => Promise<void>): Promise<string> {
  const release = (verb: string, ...more: readonly string[]) =>
    runTool(helm, [verb, "r3a-sync", ...more, "-n", "r3a"]);
  await release("install", CHART, "--set", "suspend=true");
  const before = byName(await listHelmObjects());
  expectEqual(Object.keys(before).length, 7, "objects of the release");

  await release("upgrade", CHART, "--set", "suspend=true,keep=true");
  await release("uninstall");
  expectEqual(byName(await listHelmObjects()), before, "objects after helm uninstall");

  await applyOurs();
  await kubectl([
    "annotate",
    KINDS,
    "--all",
    "meta.helm.sh/release-name-",
    "meta.helm.sh/release-namespace-",
    "helm.sh/resource-policy-",
  ]);
  const after = await listObjects<KubeObject>(KINDS, "-l", "app.kubernetes.io/managed-by=r3a-infra");
  const kept = byName(after);
  expectEqual(
    Object.fromEntries(Object.keys(before).map((name) => [name, kept[name]])),
    before,
    "uids after the adoption",
  );
  const owned = after.filter(({ metadata }) =>
    Object.keys(metadata.annotations ?? {}).some((key) => OWNERSHIP.test(key)),
  );
  expectEqual(
    owned.map(({ metadata }) => metadata.name),
    [],
    "objects that Helm would still own",
  );
  expectEqual(byName(await listHelmObjects()), {}, "objects with Helm's label");
  return `${Object.keys(before).length} objects of a Helm release keep their uid, and Helm's marks are gone`;
}
