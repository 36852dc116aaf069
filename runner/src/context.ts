import type { Logger } from "./log.ts";
import type { Environment } from "./settings/parse.ts";

/** What a command gets from the process; no file below main.ts reads the process itself. */
export type Context = {
  readonly env: Environment;
  /** Aborted with `Stopped` by SIGTERM, SIGINT or the deadline. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** A logger for another run of this process: each cycle of `--every` is a run. */
  readonly logOf: (runId: string) => Logger;
  /** Removes every secret of the environment from a text. */
  readonly redact: (text: string) => string;
  /** Writes a result to stdout, without its secrets. */
  readonly print: (text: string) => void;
  /**
   * Waits until the reader has taken what was printed. Until then the text is in memory, which a slow reader would
   * fill.
   */
  readonly printed: () => Promise<void>;
  /** Where a person watches the progress; null where nobody does. */
  readonly terminal: NodeJS.WritableStream | null;
  /** The command's own deadline in seconds; null without one. */
  readonly deadlineS: number | null;
  /** The faults of the options that main reads itself; a command reports these together with its own faults. */
  readonly faults: readonly string[];
  /** Whether the command ends once its arguments and settings are known to be right. */
  readonly isCheck: boolean;
  /** Whether the candles of the database are made up: those of the simulated exchange. */
  readonly isSimulated: boolean;
  readonly runId: string;
  /** Name of the job that started the run, null where a person did. */
  readonly origin: string | null;
};
