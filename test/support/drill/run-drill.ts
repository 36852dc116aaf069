import pino from "pino";
import type { Context } from "../../../runner/src/context.ts";
import { closeDatabase, openDatabase } from "../../../runner/src/db/connect.ts";
import type { DrillOutcome } from "../../../runner/src/restore/drill/drill-outcome.ts";
import { runDrill } from "../../../runner/src/restore/drill/drill-run.ts";
import type { RestoreWhole } from "../../../runner/src/restore/drill/prove.ts";
import { restoreWhole } from "../../../runner/src/restore/whole/whole-run.ts";
import { openFolderStore } from "../../../runner/src/store/folder-store.ts";
import { withSession } from "../database/empty-database.ts";
import type { DrilledTier } from "./drilled-tier.ts";

function contextOf(env: Readonly<Record<string, string>>): Context {
  const log = pino({ level: "silent" });
  return {
    ...{ env, log, logOf: () => log, redact: String, print: () => {}, printed: async () => {} },
    ...{ signal: new AbortController().signal, terminal: null, deadlineS: null, faults: [], origin: null },
    ...{ isCheck: false, isSimulated: false, runId: crypto.randomUUID() },
  };
}

/** Drills with the tier hot in this process, by a restore that the test may break. */
export async function drillWith(
  { world, folder, env }: DrilledTier,
  restore: RestoreWhole,
): Promise<DrillOutcome> {
  const context = contextOf(env);
  const db = openDatabase(world.database.url, "drill test");
  try {
    const outcome = await runDrill(context, db, {
      store: openFolderStore(`${folder}/hot`, { tier: "hot", report: () => {} }),
      ...{ identity: env.BACKUP_IDENTITY ?? "", drillDbUrl: env.DRILL_DB_URL ?? "", isSameAccepted: false },
      settings: {
        ...{ dbUrl: world.database.url, exchangeUrl: world.exchange.url },
        ...{ weightLimit: 0.8, egressKey: "default" },
      },
      restore,
    });
    if (outcome === null) throw new Error("another drill is at work");
    return outcome;
  } finally {
    await closeDatabase(db);
  }
}

/** The restore of every day, and then what the test does to the restored database. */
export function restoreAndThen(sql: string): RestoreWhole {
  return async (context, db, request) => {
    const outcome = await restoreWhole(context, db, request);
    await withSession(db.url, (client) => client.query(sql));
    return outcome;
  };
}
