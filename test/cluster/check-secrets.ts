import { kubectl, listObjects, NAMESPACE, type Pod } from "./kubectl.ts";
import { check } from "./report.ts";

/** The password, plain, encoded for a URL and as Secrets hold it. */
function formsOf(databaseUrl: string): readonly string[] {
  const { password } = new URL(databaseUrl);
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return [password, decodeURIComponent(password), base64(databaseUrl), base64(password).replace(/=+$/, "")];
}

/** Looks through everything that the API server and the pods' logs hold. */
export async function checkSecrets(databaseUrl: string): Promise<void> {
  const forms = formsOf(databaseUrl);
  const has = (text: string) => forms.some((form) => text.includes(form));
  await check("no object but the Secret holds a secret's value", async () => {
    const kinds = (await kubectl(["api-resources", "--verbs=list", "--namespaced", "-o", "name"]))
      .trim()
      .split("\n")
      .filter((kind) => kind !== "secrets");
    const all = await kubectl(["get", kinds.join(","), "-o", "json", "--show-managed-fields"]);
    const { items } = JSON.parse(all) as { items: readonly { kind: string; metadata: { name: string } }[] };
    const leaks = items.filter((item) => has(JSON.stringify(item)));
    if (leaks.length > 0)
      throw new Error(leaks.map(({ kind, metadata }) => `${kind}/${metadata.name}`).join(", "));
    const secret = await kubectl(["get", "secret", "r3a-db", "-o", "json"]);
    if (!has(secret)) throw new Error("the search does not even find the Secret's own value");
    return `${items.length} objects of ${new Set(items.map(({ kind }) => kind)).size} kinds in ${NAMESPACE}, events included`;
  });
  await check("no log of a pod holds a secret's value", async () => {
    const pods = await listObjects<Pod>("pod");
    let bytes = 0;
    for (const pod of pods)
      for (const container of listStarted(pod)) {
        const log = await kubectl(["logs", pod.metadata.name, "-c", container]);
        bytes += log.length;
        if (has(log)) throw new Error(`pod ${pod.metadata.name}, container ${container}`);
      }
    return `${pods.length} pods, ${bytes} characters`;
  });
}

/** A container behind a failed init container has no log. */
function listStarted({ status }: Pod): readonly string[] {
  const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  return all.filter(({ state }) => state.waiting === undefined).map(({ name }) => name);
}
