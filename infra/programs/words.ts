import { type ParseArgsConfig, parseArgs } from "node:util";
import { EXIT } from "@r3a/runner/contract/exits";

/**
 * Reads the words of the program `npm run NAME`, whose options have `help`. A number is the exit code where the program
 * ends here: 0 after its help, 64 after a sentence about a wrong word.
 */
export function readWords<T extends ParseArgsConfig>(
  name: string,
  help: string,
  config: T,
): ReturnType<typeof parseArgs<T>> | number {
  // a reader that has enough of a long result, as `head`, is no fault
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  try {
    const words = parseArgs(config);
    if ((words.values as { readonly help?: unknown }).help !== true) return words;
    process.stdout.write(help);
    return EXIT.done;
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (!code.startsWith("ERR_PARSE_ARGS_")) throw error;
    // the second sentence of Node's message is about words that begin with a dash
    process.stderr.write(`error: ${message.split(". ")[0]}\nsee npm run ${name} -- --help\n`);
    return EXIT.usage;
  }
}
