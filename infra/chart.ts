import { Chart } from "cdk8s";
import type { Construct } from "constructs";
import { BatchCronJob } from "./constructs/batch-cron-job.ts";
import { addConfig } from "./constructs/config.ts";
import { ExternalSecret } from "./constructs/external-secret.ts";
import { JanitorAccess } from "./constructs/janitor-access.ts";
import { addNamespace, addServiceAccount } from "./constructs/namespace.ts";
import { addNetworkPolicies } from "./constructs/network.ts";
import { RepeatingDeployment } from "./constructs/repeating-deployment.ts";
import { SchemaJob } from "./constructs/schema-job.ts";
import { listRequiredSecrets } from "./model/required-secrets.ts";
import { resolveJobs } from "./model/resolve-jobs.ts";
import { janitorNamespaceOf } from "./model/runner-environment.ts";
import type { Settings } from "./settings/schema.ts";

/** All objects of one environment. The chart names secrets and never makes one. */
export class R3aChart extends Chart {
  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id, { disableResourceNameHashes: true });

    if (settings.createNamespace) addNamespace(this, settings);
    if (settings.serviceAccountCreate) addServiceAccount(this, settings);
    new JanitorAccess(this, "janitor-access", {
      namespace: settings.namespace,
      targetNamespace: janitorNamespaceOf(settings),
    });
    if (settings.networkPolicy) addNetworkPolicies(this, settings);
    addConfig(this, settings);
    if (settings.secretsMode === "externalSecret")
      for (const secret of listRequiredSecrets(settings))
        new ExternalSecret(this, secret.name, {
          namespace: settings.namespace,
          secret,
          store: { name: settings.externalSecretStore, kind: settings.externalSecretStoreKind },
          refreshInterval: settings.externalSecretRefresh,
        });

    new SchemaJob(this, "migrate", { settings });
    for (const job of resolveJobs(settings))
      if (job.runMode === "deployment") new RepeatingDeployment(this, job.name, { settings, job });
      else new BatchCronJob(this, job.name, { settings, job });
  }
}
