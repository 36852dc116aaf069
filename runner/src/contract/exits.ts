/** What a process says when it ends; infra writes podFailurePolicy from these. */
export const EXIT = {
  /** Done, or nothing to do, or another holder is at work. */
  done: 0,
  /** At least one series or step failed. */
  failed: 1,
  /** A brake stopped it: a person must look. */
  brake: 3,
  usage: 64,
  /** Database unreachable, exchange bans or holds us: try again later. */
  tryAgain: 75,
  /** Wrong settings, all listed together; also a refused region and a database of another exchange. */
  settings: 78,
  /** Its own deadline passed; the work done so far is stored. */
  deadline: 124,
  /** SIGTERM with work left. */
  terminated: 143,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
