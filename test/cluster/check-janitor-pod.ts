import { type CronJob, createObject, getObject, kubectl, NAMESPACE, waitForSuccess } from "./kubectl.ts";
import { check, expectEqual } from "./report.ts";

const NAME = "e2e-janitor-rights";

/** What the janitor's token is answered: 404 of an object that is not there means that it might. */
const EXPECTED: Readonly<Record<string, number>> = {
  [`GET /api/v1/namespaces/${NAMESPACE}/pods`]: 200,
  [`GET /apis/batch/v1/namespaces/${NAMESPACE}/jobs`]: 200,
  [`GET /apis/batch/v1/namespaces/${NAMESPACE}/cronjobs`]: 200,
  [`DELETE /api/v1/namespaces/${NAMESPACE}/pods/nobody`]: 404,
  [`GET /api/v1/namespaces/${NAMESPACE}/pods/nobody/log`]: 403,
  [`DELETE /apis/batch/v1/namespaces/${NAMESPACE}/jobs/nobody`]: 404,
  [`DELETE /apis/batch/v1/namespaces/${NAMESPACE}/cronjobs/nobody`]: 403,
  [`GET /api/v1/namespaces/${NAMESPACE}/secrets`]: 403,
  [`GET /api/v1/namespaces/${NAMESPACE}/configmaps`]: 403,
  "GET /api/v1/namespaces/kube-system/pods": 403,
  "DELETE /api/v1/namespaces/kube-system/pods/nobody": 403,
  "GET /api/v1/nodes": 403,
};

/** Runs in the pod, with the token and the authority that Kubernetes mounts there. */
const PROGRAM = `
  const { readFileSync } = require("node:fs");
  const { request } = require("node:https");
  const folder = "/var/run/secrets/kubernetes.io/serviceaccount/";
  const ca = readFileSync(folder + "ca.crt");
  const headers = { authorization: "Bearer " + readFileSync(folder + "token", "utf8") };
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  const ask = (line) => new Promise((resolve, reject) => {
    const [method, path] = line.split(" ");
    request({ host, port, ca, method, path, headers }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve([line, answer.statusCode]));
    }).on("error", reject).end();
  });
  Promise.all(${JSON.stringify(Object.keys(EXPECTED))}.map(ask))
    .then((answers) => console.log(JSON.stringify(Object.fromEntries(answers))));
`;

/** The janitor's pod with another program in it: the real token against the real API server. */
export async function checkJanitorPod(): Promise<void> {
  await check("the same from inside a pod, with the janitor's token", async () => {
    const { jobTemplate } = (await getObject<CronJob>("cronjob", "r3a-maint-janitor")).spec;
    const pod = jobTemplate.spec.template.spec;
    const [runner] = pod.containers;
    const container = { ...runner, command: ["/usr/bin/node", "-e", PROGRAM], args: [] };
    await createObject({
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: NAME, namespace: NAMESPACE },
      spec: {
        ...jobTemplate.spec,
        template: {
          ...jobTemplate.spec.template,
          spec: { ...pod, containers: [container] },
        },
      },
    });
    await waitForSuccess(NAME, 60);
    const answers = JSON.parse(await kubectl(["logs", `job/${NAME}`])) as Record<string, number>;
    expectEqual(answers, EXPECTED, "answers of the API server");
    return `${Object.keys(EXPECTED).length} questions`;
  });
}
