import type { Database } from "../db/connect.ts";
import { measureHealth } from "../health/measure.ts";
import type { HealthSettings } from "../health/measurements.ts";
import { describeResult } from "../health/render/text.ts";
import { CHECKS } from "../health/report.ts";
import { worstStatus } from "../status.ts";
import { type Check, type Result, skip } from "./check.ts";

/** The time limit of each measurement of health, and of the group: 16 measurements run in pairs, and each of them can hang. */
const LOOK_MS = 4_000;
const LIMIT_MS = 45_000;

/**
 * The results of health as one group: a row with the worst status of them all and the number that pass, then a row for each
 * result that does not pass.
 * `settings` null: the settings cannot be read.
 */
export function healthCheck(db: Database, settings: HealthSettings | null): Check {
  return {
    name: "health",
    // health reads tables that another schema may lack
    needs: ["database", "schema"],
    limitMs: LIMIT_MS,
    look: async (signal) => {
      if (settings === null) return skip("needs settings, see there");
      const request = { checks: CHECKS, isQuick: false, now: Date.now(), signal };
      const { results } = await measureHealth(db, settings, request, LOOK_MS);
      const others = results.filter(({ status }) => status !== "pass");
      const rows: Result[] = others.map((result) => ({
        name: `health ${result.check} ${result.component}`.trim(),
        status: result.status,
        output: describeResult(result),
        remedy:
          result.status === "skip" ? "" : `docs/operations.md, part What health finds: ${result.runbook}`,
      }));
      const group: Result = {
        name: "health",
        status: worstStatus(results.map(({ status }) => status)),
        output: `${results.length - others.length} of ${results.length} results of health pass`,
        remedy: "",
      };
      return [group, ...rows];
    },
  };
}
