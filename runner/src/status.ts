/** The status of one check of health or doctor. `error`: the check could not measure. `skip`: there is nothing to measure. */
export type Status = "pass" | "warn" | "fail" | "error" | "skip";

/** The mark beside the word. A report has no colours, so that a pipe loses nothing. */
export const MARK: Readonly<Record<Status, string>> = {
  pass: "✓",
  warn: "!",
  fail: "✗",
  error: "?",
  skip: "-",
};

/** From the best to the worst. `fail` is worse than `error`, because a known fault says more. */
const ORDER: readonly Status[] = ["skip", "pass", "warn", "error", "fail"];

/** The worst status. `error` if there is no status, because nothing was measured. */
export function worstStatus(statuses: readonly Status[]): Status {
  return ORDER.findLast((status) => statuses.includes(status)) ?? "error";
}

export function isFailure(status: Status): boolean {
  return status === "fail" || status === "error";
}
