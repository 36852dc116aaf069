/**
 * Seconds of a deadline that meets a run in the middle of a wait of 5 s. `ms` is what a run that waits for nothing has just
 * taken on this machine: between 0.4 s alone and 4 s beside other work, so no constant is right for both.
 */
export function deadlineInWait(ms: number): number {
  return Math.ceil(ms / 1_000 + 2.5);
}
