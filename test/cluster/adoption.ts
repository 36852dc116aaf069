import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { listHelmSteps } from "./guide-steps.ts";
import { type CronJob, type KubeObject, kubectl, listObjects } from "./kubectl.ts";
import { check, expectEqual, say } from "./report.ts";
import { ROOT, runTool } from "./run-tool.ts";

const CHARTS = join(ROOT, "test/cluster/helm");
const KEPT = "configmap,serviceaccount";
const KINDS = `cronjob,role,rolebinding,${KEPT}`;
const OWNERSHIP = /^meta\.helm\.sh\/|^helm\.sh\//;
/** What only the charts set; of a CronJob that is made anew nothing of it is left. */
const OF_CHARTS = ["postgres:16-alpine", "pg_isready", "OLD_SETTING", '"cpu":"500m"', '"command"'];

/** Objects that carry the label that Helm puts on all of its own. */
const listHelmObjects = (kinds = KINDS) =>
  listObjects<KubeObject>(kinds, "-l", "app.kubernetes.io/managed-by=Helm");

const byName = (objects: readonly KubeObject[]) =>
  Object.fromEntries(objects.map(({ kind, metadata }) => [`${kind}/${metadata.name}`, metadata.uid]));

/**
 * Two real Helm releases under the old names become ours by the lines of docs/deploy.md as they stand there. What is
 * adopted keeps its uid, what is made anew keeps nothing of the charts. `applyOurs` stands for `pulumi up`.
 */
export async function checkAdoption(applyOurs: () => Promise<void>): Promise<void> {
  const helm = await runTool("sh", ["-c", "command -v helm"]).then(
    (path) => path.trim(),
    () => null,
  );
  if (helm === null) return say("  not run: the adoption of Helm releases; there is no helm on the PATH");
  await check("what Helm made is taken over by the lines of the guide", () => adoptReleases(helm, applyOurs));
}

async function adoptReleases(helm: string, applyOurs: () => Promise<void>): Promise<string> {
  for (const release of ["r3a-sync", "r3a-maint"])
    await runTool(helm, ["-n", "r3a", "install", release, join(CHARTS, release)]);
  expectEqual((await listHelmObjects("cronjob")).length, 9, "CronJobs of the releases");
  const before = byName(
    (await listHelmObjects(KEPT)).filter(({ metadata }) => metadata.name !== "r3a-maint"),
  );
  expectEqual(
    Object.keys(before).toSorted(),
    ["ConfigMap/r3a-sync-config", "ServiceAccount/r3a-sync-sa"],
    "to keep",
  );

  const steps = listHelmSteps(await readFile(join(ROOT, "docs/deploy.md"), "utf8"), CHARTS);
  for (const step of steps) {
    if (step.by === "helm") await runTool(helm, step.args);
    else if (step.by === "kubectl") await runTool("sh", ["-c", step.line]);
    else if (step.isDeploy) await applyOurs();
    await expectAfter(step.line, before);
  }
  expectEqual(byName(await listHelmObjects()), {}, "objects with Helm's label");
  const after = await listObjects<KubeObject>(KINDS, "-l", "app.kubernetes.io/managed-by=r3a-infra");
  const owned = after.filter(({ metadata }) =>
    Object.keys(metadata.annotations ?? {}).some((key) => OWNERSHIP.test(key)),
  );
  expectEqual(
    owned.map(({ metadata }) => metadata.name),
    [],
    "objects that Helm would still own",
  );
  return `${steps.length} lines; the account and the ConfigMap keep their uid, no CronJob has anything of the charts`;
}

/** What must be true once a line has run. */
async function expectAfter(line: string, kept: Readonly<Record<string, string>>): Promise<void> {
  if (line.includes('"suspend":true')) {
    const awake = (await listObjects<CronJob>("cronjob")).filter(({ spec }) => !spec.suspend);
    expectEqual(
      awake.map(({ metadata }) => metadata.name),
      [],
      "CronJobs that still start Jobs",
    );
  }
  if (line.includes(" delete --cascade=orphan")) {
    // the charts' images are nowhere: a Job that the clock started before the suspension would never end
    await kubectl(["delete", "job", "--all"]);
    expectEqual((await listObjects("cronjob")).length, 0, "CronJobs after their deletion");
  }
  if (line.includes(" uninstall "))
    expectEqual(byName(await listHelmObjects()), kept, "objects of Helm after the uninstallation");
  if (!/^pulumi up --stack \w+$/.test(line)) return;
  const ours = byName(await listObjects<KubeObject>(KEPT));
  expectEqual(Object.fromEntries(Object.keys(kept).map((name) => [name, ours[name]])), kept, "uids");
  const template = JSON.stringify(await listObjects("cronjob"));
  expectEqual(
    OF_CHARTS.filter((text) => template.includes(text)),
    [],
    "what is left of the charts in CronJobs",
  );
}
