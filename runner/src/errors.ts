import { EXIT, type ExitCode } from "./contract/exits.ts";

/** Wrong settings or a wrong target: every fault at once, exit 78. A retry cannot help. */
export class SettingsFault extends Error {
  readonly faults: readonly string[];
  constructor(faults: readonly string[], options?: ErrorOptions) {
    super(`settings are wrong:\n${faults.map((fault) => `  - ${fault}`).join("\n")}`, options);
    this.name = "SettingsFault";
    this.faults = faults;
  }
}

/** Wrong arguments: every fault at once, exit 64. */
export class UsageFault extends Error {
  constructor(faults: readonly string[]) {
    super(`arguments are wrong:\n${faults.map((fault) => `  - ${fault}`).join("\n")}`);
    this.name = "UsageFault";
  }
}

/** A state of another system that passes: the database is away, or the exchange bans or holds this address. Exit 75. */
export class TryAgain extends Error {
  override readonly name = "TryAgain";
}

/** The run was stopped: by its own deadline (exit 124) or by SIGTERM or SIGINT (exit 143). */
export class Stopped extends Error {
  readonly exitCode: ExitCode;
  constructor(message: string, exitCode: ExitCode) {
    super(message);
    this.name = "Stopped";
    this.exitCode = exitCode;
  }
}

/** Arguments and settings are right, and nobody asked for more than this check. */
export class Checked extends Error {
  override readonly name = "Checked";
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof SettingsFault) return EXIT.settings;
  if (error instanceof UsageFault) return EXIT.usage;
  if (error instanceof TryAgain) return EXIT.tryAgain;
  if (error instanceof Stopped) return error.exitCode;
  if (error instanceof Checked) return EXIT.done;
  return EXIT.failed;
}

/**
 * The message of anything thrown, with the messages of its causes: often only the last cause knows the SQLSTATE or the
 * status. At most `depth` causes are read, since causes can form a circle.
 */
export function messageOf(error: unknown, depth = 8): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.message || error.name;
  const cause = error.cause === undefined || depth === 0 ? "" : messageOf(error.cause, depth - 1);
  if (cause === "" || own.includes(cause)) return own;
  // an error that gives its cause another type has the words of the cause
  return cause.startsWith(`${own}: `) ? cause : `${own}: ${cause}`;
}
