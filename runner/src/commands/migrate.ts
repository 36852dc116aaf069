import { EXIT } from "../contract/exits.ts";
import { ROLE_NAMES } from "../contract/names.ts";
import { closeDatabase, openDatabase } from "../db/connect.ts";
import { migrate as applyMigrations, type Migrated, migrateWithRoles } from "../db/schema/migrate.ts";
import { refuseWhileLoading } from "../db/schema/restore-gate.ts";
import { messageOf, TryAgain } from "../errors.ts";
import { renderResult } from "../result.ts";
import { parseCount } from "../settings/parsers.ts";
import { sleep } from "../sleep.ts";
import { type Command, collectFaults, OPTION } from "./command.ts";

const { owner, writer, reader } = ROLE_NAMES;
const RETRY_MS = 1_000;

export const migrate: Command = {
  name: "migrate",
  examples: ["migrate", "migrate --dry-run", "migrate --roles", "migrate --wait 120"],
  define: (command) =>
    command
      .option("--roles", `also make the roles ${owner}, ${writer} and ${reader}, with their rights`)
      .option("--wait <seconds>", "try again for this long while the database is away (default: not at all)")
      .option(...OPTION.dryRun)
      .option(...OPTION.deadline)
      .option(...OPTION.json),
  async run(context, _args, options) {
    const faults = collectFaults();
    const waitS = faults.take("--wait", options.wait, (text) => parseCount(text, 86_400)) ?? 0;
    const { dbUrl } = faults.settings(context, ["dbUrl"]);
    const isPlan = options.dryRun === true;
    const warn = (note: string) => context.log.warn({ "event.name": "server_noted" }, `[RUN] ${note}`);
    const tellAgain = (error: unknown) =>
      context.log.warn({ "event.name": "migrate_again" }, `[RUN] trying again: ${messageOf(error)}`);
    const request = { isPlan, stop: context.signal, warn, onBusy: tellAgain };
    const done = await whileAway({ signal: context.signal, waitMs: waitS * 1000, tellAgain }, async () => {
      await refuseWhileGated(dbUrl);
      return options.roles === true
        ? migrateWithRoles(dbUrl, request)
        : { files: await applyMigrations(dbUrl, request), statements: [] };
    });
    context.print(options.json === true ? renderJson(done, isPlan) : renderText(done, isPlan));
    return EXIT.done;
  },
};

/** A restore migrates the older schema of its backup by itself. */
async function refuseWhileGated(url: string): Promise<void> {
  const db = openDatabase(url, "migrate");
  try {
    await refuseWhileLoading(db, { why: "the restore itself migrates the schema", isOpen: true });
  } finally {
    await closeDatabase(db);
  }
}

type Patience = {
  readonly signal: AbortSignal;
  readonly waitMs: number;
  readonly tellAgain: (error: unknown) => void;
};

/**
 * Repeats `work` for `waitMs` while it ends with TryAgain. The Job of the schema fails at its first exit code other
 * than 0, so the program itself must wait for a server that restarts. A migration may be repeated safely: each file is
 * one transaction.
 */
async function whileAway<T>({ signal, waitMs, tellAgain }: Patience, work: () => Promise<T>): Promise<T> {
  const until = performance.now() + waitMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TryAgain) || performance.now() >= until) throw error;
      tellAgain(error);
    }
    await sleep(Math.min(RETRY_MS, Math.max(1, until - performance.now())), signal);
  }
}

function renderJson({ files, statements }: Migrated, isPlan: boolean): string {
  return renderResult(
    "migrate",
    isPlan ? { dryRun: true, pending: files, statements } : { applied: files, statements },
  );
}

/** With statements about roles the whole text is SQL that a person may run; its first line says whether it was run. */
function renderText({ files, statements }: Migrated, isPlan: boolean): string {
  const remark = statements.length > 0 ? "-- " : "";
  const said = files.map((name) => `${isPlan ? "would apply" : "applied"} ${name}`);
  const lines = said.length > 0 ? said : ["the schema is up to date"];
  const head = statements.length === 0 ? [] : [isPlan ? "not done, only printed:" : "done:"];
  return [
    ...[...head, ...lines].map((line) => `${remark}${line}\n`),
    ...statements.map((sql) => `${sql};\n`),
  ].join("");
}
