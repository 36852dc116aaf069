import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadStack } from "../../infra/model/load.ts";
import { cronJobOf } from "../../infra/rules/pod.ts";
import { listHelmSteps } from "../cluster/guide-steps.ts";
import { temporaryFolder } from "../support/folder.ts";
import { ROOT } from "../support/pulumi/project.ts";
import { render } from "../support/render.ts";

const guide = readFileSync(join(ROOT, "docs/deploy.md"), "utf8");
const folder = temporaryFolder();

describe("the steps away from Helm, which the cluster tests run as they stand in the guide", () => {
  const steps = listHelmSteps(guide, "/charts");
  const at = (pattern: RegExp) => steps.findIndex(({ line }) => pattern.test(line));

  test("come in an order in which no step undoes another: an upgrade starts suspended jobs again", () => {
    const order = [
      at(/^helm .* upgrade r3a-sync /),
      at(/^helm .* upgrade r3a-maint /),
      at(/"suspend":true/),
      at(/ delete --cascade=orphan$/),
      at(/^helm .* uninstall r3a-sync r3a-maint$/),
      at(/^pulumi preview /),
      at(/^pulumi up --stack prod$/),
      at(/^pulumi up .*--expect-no-changes$/),
      at(/ annotate .*meta\.helm\.sh\/release-name- /),
    ];
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order).not.toContain(-1);
  });

  test("are steps that the cluster tests can run, and exactly one of them deploys", () => {
    expect(steps.filter((step) => step.by === "pulumi" && step.isDeploy)).toHaveLength(1);
    const keeping = steps.flatMap((step) => (step.by === "helm" ? [step.args.join(" ")] : []));
    expect(keeping[0]).toBe("-n r3a upgrade r3a-sync /charts/r3a-sync --reuse-values --set keep=true");
    const strange = guide.replace("helm -n r3a uninstall", "helmfile destroy");
    expect(() => listHelmSteps(strange, "/charts")).toThrow(
      "shows a line that no test runs: helmfile destroy",
    );
  });
});

test("every piece of a stack's file in the guide is accepted", () => {
  const blocks = [...guide.matchAll(/^( *)```yaml\n([\s\S]*?)^ *```$/gm)].map(([, indent = "", block = ""]) =>
    block.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
  expect(blocks.length).toBeGreaterThan(3);
  writeFileSync(join(folder, "Pulumi.yaml"), "name: r3a\n");
  for (const block of blocks) {
    writeFileSync(join(folder, "Pulumi.prod.yaml"), `${block}  r3a:imageDigest: sha256:${"a".repeat(64)}\n`);
    expect(() => loadStack(folder, "prod"), block).not.toThrow();
  }
});

describe("the labels in the guide select exactly the objects that the guide means", () => {
  const objects = render({ createNamespace: false });

  test("the Jobs that a destroy leaves in a namespace of other people", () => {
    expect(guide).toContain("kubectl -n r3a delete job -l app.kubernetes.io/part-of=r3a`");
    const labels = objects.flatMap((object) => {
      const template = cronJobOf(object)?.jobTemplate as { metadata?: { labels?: object } } | undefined;
      return template === undefined ? [] : [template.metadata?.labels];
    });
    expect(labels.length).toBeGreaterThan(10);
    for (const each of labels) expect(each).toMatchObject({ "app.kubernetes.io/part-of": "r3a" });
  });

  test("the failed schema Job, which blocks the next apply", () => {
    expect(guide).toContain("kubectl -n r3a delete job -l app.kubernetes.io/component=migrate`");
    const jobs = objects.filter(({ kind }) => kind === "Job");
    expect(jobs.map(({ metadata }) => metadata.labels?.["app.kubernetes.io/component"])).toEqual(["migrate"]);
  });
});

test("no line of the guide puts a secret among the arguments of a program", () => {
  const shown = [...guide.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, block]) => block).join("");
  expect(shown).not.toMatch(/--docker-password|--from-literal|DB_URL=\S*:\S*@.*kubectl/);
  // a builtin of the shell: its arguments are in no list of processes
  expect(shown).toMatch(/^printf .*"\$TOKEN" \| kubectl /m);
});
