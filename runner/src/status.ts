/** How a check of health or doctor ended. `error`: nothing could be measured, a failure too. `skip`: nothing to measure. */
export type Status = "pass" | "warn" | "fail" | "error" | "skip";

/** A mark beside the word, never colour alone, so that a report can be piped. */
export const MARK: Readonly<Record<Status, string>> = {
  pass: "✓",
  warn: "!",
  fail: "✗",
  error: "?",
  skip: "-",
};

/** A known fault says more than a check that could not look, so it gives the whole its name; both are failures. */
const ORDER: readonly Status[] = ["skip", "pass", "warn", "error", "fail"];

/** The worst of all; `error` where there is none, since nothing was measured then. */
export function worstStatus(statuses: readonly Status[]): Status {
  return ORDER.findLast((status) => statuses.includes(status)) ?? "error";
}

export function isFailure(status: Status): boolean {
  return status === "fail" || status === "error";
}
