import type { Database } from "../db/connect.ts";
import { readSchema } from "../db/doctor/stored.ts";
import { measureHealth } from "../health/measure.ts";
import { HEALTH_SETTINGS } from "../health/measurements.ts";
import { describeResult } from "../health/render/text.ts";
import { CHECKS } from "../health/report.ts";
import { type Environment, parseSettings } from "../settings/parse.ts";
import { SETTINGS } from "../settings/table.ts";
import { worstStatus } from "../status.ts";
import { type Check, type Result, skip } from "./check.ts";

/** The time limit of each measurement of health, and of the group: 16 measurements run in pairs, and each of them can hang. */
const LOOK_MS = 4_000;
const LIMIT_MS = 45_000;

/**
 * The results of health as one group: a row with the worst status of them all and the number that pass, then a row for each
 * result that does not pass. A database that is behind is skipped, because it lacks tables that health reads. One changed
 * object or one wrong setting hides only the results that need it: the checks `schema` and `settings` report the fault.
 */
export function healthCheck(db: Database, env: Environment): Check {
  return {
    name: "health",
    needs: ["database"],
    limitMs: LIMIT_MS,
    look: async (signal) => {
      const { pending, layout } = await readSchema(db, signal);
      if (pending.length > 0 || layout === "old") return skip("needs schema, see there");
      const { settings, wrong } = readSettings(env);
      const request = { checks: CHECKS, isQuick: false, now: Date.now(), signal, limitMs: LOOK_MS };
      const { results } = await measureHealth(db, settings, request);
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
        output: `${results.length - others.length} of ${results.length} results of health pass${wrong.length === 0 ? "" : `, with the default of ${wrong.join(", ")}`}`,
        remedy: "",
      };
      return [group, ...rows];
    },
  };
}

/** A wrong setting has its default here. `wrong`: the names of the variables. */
function readSettings(env: Environment) {
  const isWrong = (name: (typeof HEALTH_SETTINGS)[number]) => {
    try {
      parseSettings(env, [name]);
      return false;
    } catch {
      return true;
    }
  };
  const wrong = HEALTH_SETTINGS.filter(isWrong).map((name) => SETTINGS[name].name);
  const others = Object.fromEntries(
    Object.entries(env).filter(([name]) => !wrong.some((one) => one === name)),
  );
  return { settings: parseSettings(others, HEALTH_SETTINGS), wrong };
}
