import { expect, test } from "vitest";
import { ENVIRONMENT } from "../../runner/src/contract/environment.ts";
import { SETTINGS } from "../../runner/src/settings/table.ts";

/** Variables that no command asks the table for, each with the reason. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  BINANCE_API_KEY: "never used",
  BINANCE_API_SECRET: "never used",
  LOG_LEVEL: "the log reads it before there are settings",
  NO_COLOR: "commander reads it for the help",
  R3A_HEARTBEAT_FILE: "the heartbeat reads it",
  R3A_HEARTBEAT_MAX_AGE: "the probe reads it",
};

test("every variable of the contract has one row in the table, or a reason to have none", () => {
  const rows = Object.values(SETTINGS).map(({ name }) => name);
  expect([...rows, ...Object.keys(ELSEWHERE)].sort()).toEqual(Object.keys(ENVIRONMENT).sort());
});
