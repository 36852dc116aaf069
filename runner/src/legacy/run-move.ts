import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import type { Database } from "../db/connect.ts";
import { type LegacyLeaf, listKept } from "../db/legacy/catalog.ts";
import { listCoinNames } from "../db/legacy/coins.ts";
import { dropLegacy } from "../db/legacy/drop.ts";
import { findState } from "../db/legacy/state.ts";
import type { LockSession } from "../db/lock.ts";
import { type RunItem, renderArguments, upsertItems } from "../db/runs.ts";
import { migrate } from "../db/schema/migrate.ts";
import { checkServer } from "../db/schema/requirements.ts";
import { refuseWhileLoading } from "../db/schema/restore-gate.ts";
import { tellOfWait, waitForSchema } from "../db/schema/schema.ts";
import { sessionName, withLocks } from "../db/with-database.ts";
import { messageOf } from "../errors.ts";
import { createProgress } from "../progress.ts";
import { renderSkipped } from "../result.ts";
import { failedBy, type RunResult, withRun } from "../run.ts";
import { MINUTE_MS } from "../time.ts";
import { createItems } from "./items.ts";
import { moveLeaves } from "./move.ts";
import { logPace, paceOf } from "./pace.ts";
import { renderMovePlan } from "./plan-text.ts";
import { adoptOldDatabase, type OldDatabase, type OldRequest, readOldDatabase } from "./prepare.ts";
import { renderSummary, type Summary } from "./summary.ts";

export type MoveRequest = {
  readonly dbUrl: string;
  readonly old: OldRequest;
  readonly rowsPerSecond: number;
  readonly isPreview: boolean;
  readonly asJson: boolean;
};

/** The schema was migrated a moment ago and is there at once; this is the time for a server that restarts. */
const SCHEMA_WAIT_MS = 10_000;

/** How often the log and the ledger say how far the move is. */
const PACE_MS = MINUTE_MS;

/** Moves what is left of the old layout, or prints the plan. */
export async function runMove(context: Context, request: MoveRequest): Promise<ExitCode> {
  const name = sessionName(context, "migrate-layout");
  return withLocks({ url: request.dbUrl, name, signal: context.signal }, async (db, locks) => {
    // before the old table is renamed: if migrate refuses the server, the database must be as it was
    await checkServer(db, (note) => context.log.warn({ "event.name": "server_noted" }, `[MAINT] ${note}`));
    await refuseWhileLoading(db, { why: "no leaf is moved before all are loaded" });
    const isMoved = !request.isPreview && (await findState(db)) === "none";
    if (isMoved && request.asJson) {
      context.print(renderSummary(await summarizeNothing(db), true));
      return EXIT.done;
    }
    if (request.isPreview || isMoved) {
      context.print(renderMovePlan(await readOldDatabase(db, request.old), request));
      return EXIT.done;
    }
    await locks.open();
    if (!(await locks.tryLock("migrate-layout", "global"))) {
      const reason = "another migrate-layout is at work";
      if (request.asJson) context.print(renderSkipped("migrate-layout", reason));
      context.log.info({ "event.name": "run_skipped" }, `[MAINT] ${reason}`);
      return EXIT.done;
    }
    const move = { context, db, locks, request };
    await prepare(move);
    const args = argumentsOf(request);
    return withRun({ context, db, command: "migrate-layout", args }, () => moveAll(move));
  });
}

/** The summary of a run that finds nothing to move: the database is new, or an earlier run moved everything. */
async function summarizeNothing(db: Database): Promise<Summary> {
  const left = { leavesLeft: 0, leavesFailed: 0, isComplete: true };
  return { ...createItems().total(), ...left, kept: await listKept(db) };
}

type Move = {
  readonly context: Context;
  readonly db: Database;
  readonly locks: LockSession;
  readonly request: MoveRequest;
};

function argumentsOf({ old, rowsPerSecond }: MoveRequest): string {
  const { coinTable, named, dropColumns } = old;
  return renderArguments([], {
    "--coin-table": coinTable,
    "--coins": named.size === 0 ? null : [...named].map(([id, symbol]) => `${id}=${symbol}`),
    "--drop-columns": dropColumns.size === 0 ? null : [...dropColumns],
    "--rows-per-second": rowsPerSecond,
  });
}

/** Renames the old table and makes the new schema; a step that an earlier run did is not done again. */
async function prepare({ context, db, locks, request }: Move): Promise<void> {
  const { signal } = locks;
  const old = await readOldDatabase(db, request.old);
  warnOfOthers(context, old);
  if (old.state === "old") {
    await adoptOldDatabase(db, old, signal);
    context.log.info(
      {
        "event.name": "layout_renamed",
        leaves: old.leaves.length,
        coins: old.coins.coins.length,
        renamed: old.collisions.renamed.map(({ name }) => name),
        dropped: old.collisions.dropped,
      },
      "[MAINT] the old table is r3a.ohlcv_legacy now",
    );
  }
  await migrate(request.dbUrl, { stop: signal });
  await waitForSchema(db, { waitMs: SCHEMA_WAIT_MS, signal, tell: tellOfWait(context) });
}

function warnOfOthers({ log }: Context, { followers, publications, attached }: OldDatabase): void {
  for (const { name, on } of followers)
    log.warn(
      { "event.name": "old_table_read", reader: name, table: on },
      `[MAINT] ${name} read(s) the old table ${on}, also under its new name, and gets no new rows: make it again on the new table`,
    );
  for (const name of attached)
    log.warn({ "event.name": "old_table_part", part: name }, `[MAINT] ${name} is not taken over`);
  for (const name of publications)
    log.warn(
      { "event.name": "old_table_published", publication: name },
      `[MAINT] publication ${name} names old tables: add the new tables to it (alter publication ${name} add table ...)`,
    );
}

async function moveAll(move: Move): Promise<RunResult> {
  const items = createItems();
  const end = await moveInto(items, move).then((exitCode): RunResult => ({ exitCode }), failedBy);
  return { ...end, items: items.list() };
}

async function moveInto(
  items: ReturnType<typeof createItems>,
  { context, db, locks, request }: Move,
): Promise<ExitCode> {
  const { leaves, columns } = await readOldDatabase(db, request.old);
  const startedAt = performance.now();
  const timer = setInterval(() => {
    logPace(context.log, paceOf(leaves, items.total(), performance.now() - startedAt));
    void recordMoved(context, db, items.takeChanged());
  }, PACE_MS);
  const progress = createProgress("migrate-layout", context.terminal);
  progress.start(leaves.reduce((sum, { rows }) => sum + rows, 0));
  let failed: readonly LegacyLeaf[] | null = null;
  let kept: readonly string[] | null = null;
  try {
    failed = await moveLeaves(
      {
        db,
        locks,
        progress,
        signal: locks.signal,
        log: context.log,
        runId: context.runId,
        symbolOf: await listCoinNames(db),
        columns: columns.carried,
        rowsPerSecond: request.rowsPerSecond,
        onLeaf: items.add,
      },
      leaves,
    );
    if (failed.length === 0) kept = await dropLegacy(db, locks.signal);
    return failed.length === 0 ? EXIT.done : EXIT.failed;
  } finally {
    clearInterval(timer);
    progress.stop();
    await recordMoved(context, db, items.list()); // with those that could not be written on the way
    const total = items.total();
    const summary: Summary = {
      ...total,
      leavesLeft: leaves.length - total.leaves,
      leavesFailed: failed?.length ?? 0,
      isComplete: kept !== null,
      kept: kept ?? [],
    };
    context.print(renderSummary(summary, request.asJson));
  }
}

/** A row of the ledger that cannot be written now is no reason to end the move: the end of the run writes all. */
async function recordMoved({ log, runId }: Context, db: Database, items: readonly RunItem[]): Promise<void> {
  await upsertItems(db, runId, items).catch((error: unknown) =>
    log.warn(
      { err: messageOf(error) },
      "[MAINT] the ledger does not have the newest figures of the move: they could not be written",
    ),
  );
}
