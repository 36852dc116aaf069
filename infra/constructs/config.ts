import type { EnvironmentName } from "@r3a/runner/contract/environment";
import * as k8s from "cdk8s-plus-28/lib/imports/k8s.js";
import type { Construct } from "constructs";
import { SUITE_LABELS } from "../model/labels.ts";
import type { Settings } from "../settings/schema.ts";
import { janitorNamespaceOf } from "./janitor-access.ts";

/** The runner's environment but its secrets, names sorted. */
export function runnerEnvironment(settings: Settings): Readonly<Partial<Record<EnvironmentName, string>>> {
  return {
    AUTO_PERIOD: String(settings.autoPeriod),
    ...(settings.databaseSizeBudgetGb === 0
      ? {}
      : { DB_SIZE_BUDGET_GB: String(settings.databaseSizeBudgetGb) }),
    EGRESS_KEY: settings.egressKey,
    EXCHANGE_URL: settings.exchangeUrl,
    FALLBACK_START: settings.fallbackStart,
    JANITOR_DELETE_AFTER_SECONDS: String(settings.janitorDeleteAfterSeconds),
    JANITOR_FINISHED_AFTER_SECONDS: String(settings.janitorFinishedAfterSeconds),
    JANITOR_MAX_DELETES: String(settings.janitorMaxDeletes),
    JANITOR_MAX_PERCENT: String(settings.janitorMaxPercent),
    JANITOR_MODE: settings.janitorMode,
    JANITOR_NAMESPACE: janitorNamespaceOf(settings),
    JANITOR_PROTECTED_SELECTORS: settings.janitorProtectedSelectors.join(";"),
    JANITOR_SCOPE: settings.janitorScope,
    LOG_LEVEL: settings.logLevel,
    MAINT_MAX_OPS: String(settings.maintMaxOps),
    REFRESH_LOOKBACK: settings.refreshLookback,
    ...(settings.symbols.length === 0 ? {} : { SYMBOLS: settings.symbols.join(",") }),
    SYNC_INTERVALS: settings.syncIntervals.join(","),
    UNIVERSE_SIZE: String(settings.universeSize),
    VACUUM_ANALYZE_ONLY: String(settings.vacuumAnalyzeOnly),
    WEIGHT_LIMIT: String(settings.weightLimit),
  };
}

/** The ConfigMap that every runner pod reads its environment from. */
export function addConfig(scope: Construct, settings: Settings): void {
  new k8s.KubeConfigMap(scope, "config", {
    metadata: { name: settings.configMapName, namespace: settings.namespace, labels: SUITE_LABELS },
    data: runnerEnvironment(settings) as Record<string, string>,
  });
}
