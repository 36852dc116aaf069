import type { Logger } from "./log.ts";
import type { Environment } from "./settings/parse.ts";

/** What a command gets from the process: nothing below main.ts reads the process itself. */
export type Context = {
  readonly env: Environment;
  /** Aborted with `Stopped` by SIGTERM, SIGINT or the deadline. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** The same for another run of this process, as each cycle of `--every` is one. */
  readonly logOf: (runId: string) => Logger;
  /** Takes every secret of the environment out of a text. */
  readonly redact: (text: string) => string;
  /** Writes a result to stdout, secrets taken out. */
  readonly print: (text: string) => void;
  /** Waits until the reader has taken what was printed: what a slow one has not is in memory. */
  readonly printed: () => Promise<void>;
  /** Where a person watches the progress; null where nobody does. */
  readonly terminal: NodeJS.WritableStream | null;
  /** Seconds of the command's own deadline, null without one. */
  readonly deadlineS: number | null;
  /** What is wrong with the options that main reads itself; a command reports it together with its own faults. */
  readonly faults: readonly string[];
  readonly runId: string;
  /** Name of the job that started the run, null where a person did. */
  readonly origin: string | null;
};
