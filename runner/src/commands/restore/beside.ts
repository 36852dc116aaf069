import type { Context } from "../../context.ts";
import type { ExitCode } from "../../contract/exits.ts";
import type { Database } from "../../db/connect.ts";
import { renderArguments } from "../../db/runs.ts";
import { withDatabase } from "../../db/with-database.ts";
import { type BesideRequest, restoreBeside } from "../../restore/beside-run.ts";
import { exitOf, hasFindings, renderBeside, renderBesideJson } from "../../restore/beside-text.ts";
import { reasonOfBeside } from "../../restore/ledger-reason.ts";
import { type RunResult, withRun } from "../../run.ts";
import { STORE_SETTINGS } from "../../settings/backup.ts";
import { parseSymbols } from "../../settings/parsers.ts";
import { parseLeafName, parseSchemaName } from "../../settings/restore-words.ts";
import { collectFaults, type Faults, parsePeriod, type RawOptions } from "../command.ts";
import { parseWish, textOf, withStores } from "./stores.ts";

type BesideForm = Omit<BesideRequest, "stores" | "identity">;

/** `restore --to-schema`: leaves beside the live table. */
export async function runBeside(context: Context, options: RawOptions): Promise<ExitCode> {
  const faults = collectFaults();
  const form = parseBeside(faults, options);
  const needed = ["dbUrl", ...STORE_SETTINGS] as const;
  // a plan reads manifests alone, which are not encrypted
  const settings = form.isPreview
    ? { ...faults.settings(context, needed), backupIdentity: "" }
    : faults.settings(context, [...needed, "backupIdentity"]);
  return withStores(context, { settings, tier: form.wish.tier }, (stores) =>
    withDatabase(context, { command: "restore", url: settings.dbUrl }, (db) =>
      restoreLeaves(context, db, {
        request: { ...form, stores, identity: settings.backupIdentity },
        options,
      }),
    ),
  );
}

function parseBeside(faults: Faults, options: RawOptions): BesideForm {
  const schema = faults.take("--to-schema", options.toSchema, parseSchemaName);
  if (options.toSchema === undefined)
    faults.note(
      "--to-schema is missing: name a new schema for the restored tables, e.g. --to-schema r3a_restored; or --damaged, which mends the live table; or --all, for the whole database",
    );
  const leaf = faults.take("--leaf", options.leaf, parseLeafName) ?? null;
  const symbols = faults.take("--symbols", options.symbols, parseSymbols) ?? null;
  const { from, to } = parsePeriod(faults, options);
  if (options.acceptLoss !== undefined) faults.note("--accept-loss belongs to --all and --damaged");
  if (options.beyondBrakes !== undefined) faults.note("--beyond-brakes belongs to --damaged");
  if (leaf !== null && (from !== null || to !== null))
    faults.note("--leaf and --from or --to exclude each other");
  const [isPreview, isCompared] = [options.dryRun === true, options.compare === true];
  if (isPreview && isCompared)
    faults.note("--dry-run and --compare exclude each other: nothing is restored to be compared");
  const wish = parseWish(faults, options);
  const selection = { leaf, symbols, from, to };
  return { schema: schema ?? "", wish, selection, isPreview, isCompared };
}

async function restoreLeaves(
  context: Context,
  db: Database,
  { request, options }: { readonly request: BesideRequest; readonly options: RawOptions },
) {
  const { schema, selection, wish, isPreview } = request;
  const work = async (): Promise<RunResult> => {
    const outcome = await restoreBeside(context, db, request);
    const render = options.json === true ? renderBesideJson : renderBeside;
    context.print(render(outcome, request));
    const reason = reasonOfBeside(outcome);
    return { exitCode: exitOf(outcome), hasFindings: hasFindings(outcome), reason };
  };
  if (isPreview) return (await work()).exitCode;
  const args = renderArguments([], {
    "--to-schema": schema,
    "--leaf": selection.leaf,
    "--symbols": selection.symbols,
    "--from": textOf(options.from),
    "--to": textOf(options.to),
    "--at": textOf(options.at),
    "--tier": wish.tier,
    "--compare": request.isCompared,
  });
  return withRun({ context, db, command: "restore", args }, work);
}
