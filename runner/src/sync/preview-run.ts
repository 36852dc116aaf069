import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import type { FillRequest } from "./fill-run.ts";
import { previewFill, renderPreview } from "./preview.ts";
import { weightShareOf, withWork } from "./work.ts";

/** Prints what the command would ask for and stores nothing. */
export async function runPreview(
  context: Context,
  { settings, fill, selection }: FillRequest,
): Promise<ExitCode> {
  const weightShare = weightShareOf(settings, fill.isBackground);
  return withWork(context, { ...fill, settings, isReadOnly: true }, async (work) => {
    await work.believed;
    const tools = { ...work, log: context.log, weightShare };
    const { fault, ...preview } = await previewFill(tools, selection, fill);
    context.print(`${fill.asJson ? JSON.stringify(preview) : renderPreview(preview)}\n`);
    if (fault !== null) throw fault;
    return { exitCode: EXIT.done };
  });
}
