import { expect, test } from "vitest";
import { runnerEnvironment } from "../../infra/model/runner-environment.ts";
import { SETTINGS } from "../../infra/settings/schema.ts";
import { ENVIRONMENT } from "../../runner/src/contract/environment.ts";
import { OBJECT_VARIABLES } from "../../runner/src/contract/object-variables.ts";
import { RESTORE_VARIABLES } from "../../runner/src/contract/restore-variables.ts";
import { STORE_VARIABLES } from "../../runner/src/contract/store-variables.ts";

/** Variables that the ConfigMap must not have, each with the reason. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  DB_URL: "a secret",
  BINANCE_API_KEY: "a secret",
  BINANCE_API_SECRET: "a secret",
  FRESHNESS_LIMITS: "follows from the schedules; the need freshnessLimits gives it",
  R3A_RUN_ID: "each run has its own",
  R3A_RUN_ORIGIN: "each job has its own; the need config gives it",
  R3A_SHARDS: "each job has its own; the need config gives it",
  R3A_HEARTBEAT_FILE: "the need heartbeat gives it",
  R3A_HEARTBEAT_MAX_AGE: "the need heartbeat gives it",
  JOB_COMPLETION_INDEX: "Kubernetes sets it",
  NO_COLOR: "for a terminal",
  // no job of the cluster writes backups yet
  ...Object.fromEntries(
    Object.keys({ ...STORE_VARIABLES, ...OBJECT_VARIABLES, ...RESTORE_VARIABLES }).map((name) => [
      name,
      "for backups",
    ]),
  ),
};

/** The data of the ConfigMap where no setting leaves its variable out. */
const written = Object.keys(
  runnerEnvironment(SETTINGS.parse({ symbols: ["BTCUSDT"], databaseSizeBudgetGb: 10 })),
).sort();

test("every variable of the runner is in the ConfigMap, or has a reason not to be there", () => {
  expect([...written, ...Object.keys(ELSEWHERE)].sort()).toEqual(Object.keys(ENVIRONMENT).sort());
});

test("every setting whose meaning names a variable gives the variable its value", () => {
  const named = Object.values(SETTINGS.shape).flatMap(
    ({ description }) => /^([A-Z][A-Z0-9_]+): /.exec(description ?? "")?.[1] ?? [],
  );
  expect(named.sort()).toEqual(written);
});
