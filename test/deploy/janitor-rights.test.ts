import { expect, test } from "vitest";
import { JANITOR_RIGHTS } from "../../runner/src/contract/rights.ts";
import { jobOf, OURS, ownedBy, podOf, STATUS } from "../support/kubernetes/janitor-objects.ts";
import { startApi } from "../support/kubernetes/scripted-api.ts";
import { render } from "../support/render.ts";
import { runRunner } from "../support/runner.ts";

type Rule = Readonly<Record<"apiGroups" | "resources" | "verbs", readonly string[]>>;

/** E.g. `delete jobs.batch`. */
const granted = (): string[] => {
  const role = render().find(({ kind }) => kind === "Role");
  const rules = (role?.rules ?? []) as readonly Rule[];
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => `${verb} ${resource}${group === "" ? "" : `.${group}`}`),
      ),
    ),
  );
};

const VERBS: Readonly<Record<string, string>> = {
  GET: "list",
  DELETE: "delete",
  POST: "create",
  PATCH: "patch",
};

/** The right that a request needs: `DELETE /apis/batch/v1/namespaces/r3a/jobs/x` is `delete jobs.batch`. */
function rightOf(line: string): string {
  const [, method = "", group = "", resource = "", name, sub] =
    /^(\w+) \/(?:api|apis\/(\w+))\/v1\/namespaces\/[^/]+\/(\w+)(?:\/([^/?]+))?(?:\/(\w+))?(?:\?.*)?$/.exec(
      line,
    ) ?? [];
  const verb = method === "GET" && name !== undefined ? "get" : VERBS[method];
  return `${verb} ${resource}${sub === undefined ? "" : `/${sub}`}${group === "" ? "" : `.${group}`}`;
}

test("the janitor's Role grants what its requests need, each of which it asks about before, and nothing else", async () => {
  const api = await startApi({
    pods: [
      podOf("failed", STATUS.failed, OURS),
      podOf("stuck", STATUS.imagePull, ownedBy("Job", "marked")),
      podOf("other", STATUS.imagePull, ownedBy("Job", "plain")),
      ...["a", "b", "c"].map((name) => podOf(name, STATUS.running)),
    ],
    jobs: [jobOf("marked", { metadata: OURS }), jobOf("plain", { metadata: OURS, spec: {} })],
    cronJobs: [],
  });
  try {
    const { code } = await runRunner(["janitor", "--mode", "delete"], api.env);
    expect(code).toBe(0);
    const used = api.requests.map(({ line }) => line).filter((line) => !line.includes("selfsubject"));
    expect(new Set(granted())).toEqual(new Set(used.map(rightOf)));
    expect(granted()).toHaveLength(new Set(granted()).size);
    expect(Object.values(JANITOR_RIGHTS).flat()).toHaveLength(granted().length);
  } finally {
    await api.stop();
  }
});
