import { RUN_ORIGIN } from "@r3a/runner/contract/environment";
import { renderFreshnessLimits } from "@r3a/runner/contract/freshness";
import { JANITOR_ACCOUNT } from "@r3a/runner/contract/names";
import { authorityVariables, authorityVolumes, loginOf, loginSecrets } from "./database-access.ts";
import { exchangeExit, keySecrets, keyVariables } from "./exchange-access.ts";
import { freshnessLimits } from "./freshness.ts";
import { HEARTBEAT_VOLUME, heartbeatProbes, heartbeatVariables } from "./heartbeat.ts";
import type { Need, Provision } from "./need.ts";
import { resolveJobs } from "./resolve-jobs.ts";
import { configHash } from "./runner-environment.ts";

/** What each need gives a pod. Variables, volumes and exits stand in the objects in the order of these rows. */
export const NEEDS: Readonly<Record<Need, Provision>> = {
  database: {
    secrets: loginSecrets,
    variables: (settings, { command }) => [loginOf(settings, command), ...authorityVariables(settings)],
    volumes: authorityVolumes,
    exits: ({ databaseCidr: cidr, databasePort }) => [{ block: { cidr }, ports: [databasePort] }],
    asksDns: true,
  },
  config: {
    variables: (_settings, { component, shards }) => [
      ...(shards === 1 ? [] : [{ name: "R3A_SHARDS", value: String(shards) } as const]),
      { name: RUN_ORIGIN, value: component },
    ],
    variableSources: ({ configMapName: name }) => [{ configMapRef: { name } }],
    annotations: (settings) => ({ "r3a.dev/config-hash": configHash(settings) }),
  },
  exchange: {
    secrets: keySecrets,
    variableSources: keyVariables,
    exits: (settings) => [exchangeExit(settings)],
    asksDns: true,
  },
  cluster: {
    account: JANITOR_ACCOUNT,
    // most networks compare the address behind the service `kubernetes`, some the address of the service
    exits: ({ apiServerCidr: cidr }) => [{ block: { cidr }, ports: [443, 6443] }],
  },
  freshnessLimits: {
    variables: (settings) => [
      { name: "FRESHNESS_LIMITS", value: renderFreshnessLimits(freshnessLimits(resolveJobs(settings))) },
    ],
  },
  heartbeat: {
    variables: (_settings, pod) => heartbeatVariables(pod),
    volumes: () => [HEARTBEAT_VOLUME],
    probes: heartbeatProbes,
  },
};

/** The rows of these needs, in the order of the table. */
export function provisionsOf(needs: readonly Need[]): readonly Provision[] {
  return Object.entries(NEEDS).flatMap(([need, row]) => (needs.some((each) => each === need) ? [row] : []));
}
