import { type Command, CommanderError } from "commander";
import { EXIT } from "../runner/src/contract/exits.ts";

/** A reader that has enough of a result, as `head`, is no fault: the rest is written for nobody. */
export function letReaderLeave(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

/**
 * Parses the words of a development program. The result is an exit code where the program ends here: 0 after its help,
 * 64 after a sentence about a wrong word; undefined where its work begins.
 */
export async function parseCommandLine(
  program: Command,
  words: readonly string[],
): Promise<number | undefined> {
  letReaderLeave();
  for (const each of [program, ...program.commands])
    each.exitOverride().showHelpAfterError(`see ${nameOf(each)} --help`);
  try {
    await program.parseAsync([...words], { from: "user" });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
}

function nameOf(program: Command): string {
  return program.parent === null ? program.name() : `${nameOf(program.parent)} ${program.name()}`;
}
