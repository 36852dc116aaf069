import type { Context } from "../context.ts";
import type { CommandName } from "../contract/commands.ts";
import { EXIT, type ExitCode } from "../contract/exits.ts";
import { renderResult, roundEstimate } from "../result.ts";
import { renderTime } from "../time.ts";
import { weightShareOf } from "../weighed-exchange.ts";
import type { FillRequest } from "./fill-run.ts";
import { type Preview, previewFill, renderPreview } from "./preview.ts";
import { withWork } from "./work.ts";

/** Prints what the command would ask for and stores nothing. `plan` is no dry run: a plan is all that it is for. */
export async function runPreview(
  context: Context,
  { settings, fill, selection }: FillRequest,
  command: CommandName = fill.command,
): Promise<ExitCode> {
  const weightShare = weightShareOf(settings, fill.isBackground);
  return withWork(context, { ...fill, settings, isReadOnly: true }, async (work) => {
    await work.believed;
    const tools = { ...work, log: context.log, weightShare };
    const { fault, ...preview } = await previewFill(tools, selection, fill);
    const dryRun = command !== "plan" && { dryRun: true };
    context.print(
      fill.asJson
        ? renderResult(command, { ...dryRun, ...recordOfPreview(preview) })
        : `${renderPreview(preview)}\n`,
    );
    if (fault !== null) throw fault;
    return { exitCode: EXIT.done };
  });
}

/** A preview as a part of a result. */
export function recordOfPreview({ series, minutes, ...rest }: Omit<Preview, "fault">): object {
  const time = (ms: number | null) => (ms === null ? null : renderTime(ms));
  const planned = series.map(({ from, to, fault = null, ...each }) => ({
    ...each,
    from: time(from),
    to: time(to),
    fault,
  }));
  return { ...rest, minutes: roundEstimate(minutes), series: planned };
}
