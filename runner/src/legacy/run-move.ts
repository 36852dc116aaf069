import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../contract.ts";
import { type Database, openDatabase } from "../db/connect.ts";
import { findStage, type LegacyLeaf, listCoinNames } from "../db/legacy-catalog.ts";
import { dropLegacy } from "../db/legacy-drop.ts";
import { createLockSession, type LockSession } from "../db/lock.ts";
import { migrate } from "../db/migrate.ts";
import { waitForSchema } from "../db/schema.ts";
import { createProgress } from "../progress.ts";
import { type RunReport, withRun } from "../run.ts";
import { createItems } from "./items.ts";
import { moveLeaves } from "./move.ts";
import { adoptOldDatabase, type CoinWish, type OldDatabase, readOldDatabase } from "./prepare.ts";
import { renderPlan, renderSummary, type Summary } from "./summary.ts";

export type MoveWish = {
  readonly dbUrl: string;
  readonly coins: CoinWish;
  readonly rowsPerSecond: number;
  readonly isPreview: boolean;
  readonly asJson: boolean;
};

/** A schema that was just migrated answers at once; a moment for a server that restarts. */
const SCHEMA_WAIT_MS = 10_000;

/** Moves what is left of the old layout, or prints what it would do. */
export async function runMove(context: Context, wish: MoveWish): Promise<ExitCode> {
  const db = openDatabase(wish.dbUrl, `migrate-layout ${context.runId.slice(0, 13)}`);
  const locks = createLockSession(db, context.signal);
  try {
    if (wish.isPreview || (await findStage(db)) === "none") {
      context.print(renderPlan(await readOldDatabase(db, wish.coins), wish));
      return EXIT.done;
    }
    await locks.open();
    if (!(await locks.tryLock("migrate-layout", "global"))) {
      context.log.info({ "event.name": "run_skipped" }, "[MAINT] another migrate-layout is at work");
      return EXIT.done;
    }
    await prepare(context, db, wish, locks.signal);
    return await withRun(context, db, "migrate-layout", `--rows-per-second ${wish.rowsPerSecond}`, (report) =>
      moveAll(context, db, locks, wish, report),
    );
  } finally {
    await Promise.all([locks.end(), db.pool.end()]);
  }
}

/** Brings the database to where leaves can be moved; each step is left as it is when it was done before. */
async function prepare(context: Context, db: Database, wish: MoveWish, signal: AbortSignal): Promise<void> {
  const old = await readOldDatabase(db, wish.coins);
  warnOfViews(context, old);
  if (old.stage === "old") {
    await adoptOldDatabase(db, old, signal);
    context.log.info(
      {
        "event.name": "layout_renamed",
        leaves: old.leaves.length,
        coins: old.coins.length,
        renamed: old.collisions.renamed.map(({ name }) => name),
        dropped: old.collisions.dropped,
      },
      "[MAINT] the old table is r3a.ohlcv_legacy now",
    );
  }
  await migrate(wish.dbUrl, { stop: signal });
  await waitForSchema(db, SCHEMA_WAIT_MS, signal);
}

function warnOfViews({ log }: Context, { views }: OldDatabase): void {
  if (views.length === 0) return;
  log.warn(
    { "event.name": "views_on_old_table", views },
    `[MAINT] ${views.join(", ")} read(s) the old table and will see less with each leaf: make them anew on r3a.ohlcv_partitioned`,
  );
}

async function moveAll(
  context: Context,
  db: Database,
  locks: LockSession,
  wish: MoveWish,
  report: RunReport,
): Promise<ExitCode> {
  const { leaves } = await readOldDatabase(db, wish.coins);
  const items = createItems();
  const progress = createProgress("migrate-layout", context.isTerminal);
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
        rowsPerSecond: wish.rowsPerSecond,
        onLeaf: items.add,
      },
      leaves,
    );
    if (failed.length === 0) kept = await dropLegacy(db, locks.signal);
    return failed.length === 0 ? EXIT.done : EXIT.failed;
  } finally {
    progress.stop();
    report.items.push(...items.list());
    const total = items.total();
    const summary: Summary = {
      ...total,
      leavesLeft: leaves.length - total.leaves,
      leavesFailed: failed?.length ?? 0,
      isComplete: kept !== null,
      kept: kept ?? [],
    };
    context.print(renderSummary(summary, wish.asJson));
  }
}
