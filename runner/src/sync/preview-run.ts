import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import type { FillCommand } from "./fill-run.ts";
import { previewFill, renderPreview } from "./preview.ts";
import type { Selection } from "./selection.ts";
import { BACKGROUND_WEIGHT_SHARE, type WorkSettings, withWork } from "./work.ts";

/** Prints what the command would ask for and stores nothing. */
export async function runPreview(
  context: Context,
  settings: WorkSettings,
  fill: FillCommand,
  selection: Selection,
): Promise<ExitCode> {
  const share = fill.isBackground
    ? Math.min(settings.weightLimit, BACKGROUND_WEIGHT_SHARE)
    : settings.weightLimit;
  return withWork(context, settings, { ...fill, isReadOnly: true }, async (work) => {
    await work.believed;
    const { fault, ...preview } = await previewFill({ ...work, log: context.log }, selection, share, fill);
    context.print(`${fill.asJson ? JSON.stringify(preview) : renderPreview(preview)}\n`);
    if (fault !== null) throw fault;
    return EXIT.done;
  });
}
