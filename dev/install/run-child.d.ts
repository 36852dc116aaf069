import type { SpawnOptions } from "node:child_process";

/** The signals that end a program, caught from `catchSignals` on: this process ends by its own decision alone. */
export type CaughtSignals = {
  /** The first one that came; undefined while none did. */
  first: NodeJS.Signals | undefined;
  /** Called for each one. `runChild` sets it while its child lives. */
  hear: (signal: NodeJS.Signals) => void;
};
export function catchSignals(): CaughtSignals;

export type ChildOptions = SpawnOptions & {
  readonly signals: CaughtSignals;
  /** What to do instead of handing the signal on; `kill` reaches the child and what it started. */
  readonly onSignal?: (signal: NodeJS.Signals, kill: (signal: NodeJS.Signals) => void) => void;
  readonly onSpawn?: (pid: number) => Promise<void>;
};

/**
 * Runs a program to its end. Each signal of this process reaches the program once, Ctrl-Z too. `code` is its exit code,
 * 128 and the number of the signal where a signal ended it; `stdout` what it wrote where that is a pipe.
 */
export function runChild(
  file: string,
  args: readonly string[],
  options: ChildOptions,
): Promise<{ readonly code: number; readonly stdout: string }>;
