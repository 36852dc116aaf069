import type { Context } from "../../context.ts";
import { closeDatabase, type Database, openDatabase } from "../../db/connect.ts";
import { openLockSession } from "../../db/lock.ts";
import {
  checkDrillServer,
  drillNameOf,
  dropLeftDatabases,
  readSystemIdentifier,
  urlOfDatabase,
  withDrillDatabase,
} from "../../db/restore/drill-database.ts";
import { addDrill } from "../../db/restore/drill-ledger.ts";
import { withLocks } from "../../db/with-database.ts";
import { messageOf, TryAgain } from "../../errors.ts";
import { type DrillOutcome, failDrill } from "./drill-outcome.ts";
import { findNewest, type Newest } from "./newest.ts";
import { type DrillRequest, proveBackup } from "./prove.ts";

/**
 * Restores the newest backup of a tier into a database of its own, compares it, drops it, and keeps in the ledger what that
 * proved. null: another drill is at work. Throws a SettingsFault where the server for drills cannot be used.
 */
export async function runDrill(
  context: Context,
  db: Database,
  request: DrillRequest,
): Promise<DrillOutcome | null> {
  const begunAt = Date.now();
  const locks = await openLockSession(db, context.signal);
  try {
    if (!(await locks.tryLock("drill", "global"))) return null;
    const outcome = await drill({ ...context, signal: locks.signal }, db, { request, begunAt }).catch(
      async (error: unknown) => {
        context.signal.throwIfAborted();
        // nothing is known of the tier, and its turn is over all the same: one server that is away must not stop all drills
        const { tier } = request.store;
        const fault = messageOf(error).replace(/\s+/g, " ");
        await note(context, db, { outcome: failDrill({ ...OPEN, tier, open: [fault] }), begunAt });
        throw error;
      },
    );
    await note(context, db, { outcome, begunAt });
    return outcome;
  } finally {
    await locks.end();
  }
}

const OPEN = { verdict: "open", exitCode: 75, faults: [] } as const;

type Drilled = { readonly outcome: DrillOutcome; readonly begunAt: number };

async function note(
  { runId, redact }: Pick<Context, "runId" | "redact">,
  db: Database,
  { outcome, begunAt }: Drilled,
) {
  const { damage, faults, open, ...row } = outcome;
  await addDrill(db, {
    ...{ ...row, runId, begunAt, damaged: damage?.key ?? null },
    faults: [...faults, ...open].map(redact),
  });
}

type Begun = { readonly request: DrillRequest; readonly begunAt: number };

async function drill(context: Context, db: Database, { request, begunAt }: Begun): Promise<DrillOutcome> {
  const { runId, signal, log } = context;
  const found = await findNewest(request.store, signal);
  if ("failed" in found) return found.failed;
  const { newest } = found;
  const name = drillNameOf(runId);
  log.info(
    { "event.name": "drill_begun", tier: request.store.tier, manifest: newest.key, database: name },
    `[DRILL] restoring ${newest.key} of ${request.store.tier} into the database ${name}`,
  );
  const server = { url: request.drillDbUrl, name: `drill ${runId.slice(0, 13)}`, signal };
  return withLocks({ ...server, address: "DRILL_DB_URL" }, async (admin, locks) => {
    await checkDrillServer(admin, request.isSameAccepted ? null : await readSystemIdentifier(db));
    await locks.open();
    for (const left of await dropLeftDatabases(admin, locks))
      log.warn({ "event.name": "drill_left" }, `[DRILL] dropped ${left}: its drill was killed`);
    if (!(await locks.tryLock("drill", name)))
      throw new TryAgain(`another drill has the database ${name}: run again`);
    return withDrillDatabase(admin, { name, signal: locks.signal }, () =>
      prove({ ...context, signal: locks.signal }, db, { request, newest, begunAt, name }),
    );
  });
}

type Proving = Begun & { readonly newest: Newest; readonly name: string };

async function prove(
  context: Context,
  db: Database,
  { request, newest, begunAt, name }: Proving,
): Promise<DrillOutcome> {
  const url = urlOfDatabase(request.drillDbUrl, name);
  const target = openDatabase(url, `drill ${context.runId.slice(0, 13)}`, "DRILL_DB_URL");
  try {
    return await proveBackup(context, { db, target }, { request, newest, begunAt });
  } finally {
    await closeDatabase(target);
  }
}
