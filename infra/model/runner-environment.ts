import { createHash } from "node:crypto";
import type { EnvironmentName } from "@r3a/runner/contract/environment";
import type { Settings } from "../settings/schema.ts";

/** The namespace that the janitor cleans: its own one, unless the settings name another. */
export function janitorNamespaceOf({ janitorTargetNamespace, namespace }: Settings): string {
  return janitorTargetNamespace === "" ? namespace : janitorTargetNamespace;
}

/** The environment variables of the runner without the secrets, sorted by name. */
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

/** The first 16 hex digits of the SHA-256 of the data of the ConfigMap. */
export function configHash(settings: Settings): string {
  return createHash("sha256")
    .update(JSON.stringify(runnerEnvironment(settings)))
    .digest("hex")
    .slice(0, 16);
}
