/** The exit codes of every command. infra makes the podFailurePolicy of the Jobs from them. */
export const EXIT = {
  /** Done, or nothing to do, or another holder is at work. */
  done: 0,
  /** At least one series or step failed. */
  failed: 1,
  /** A brake stopped the command: a person must look. */
  brake: 3,
  usage: 64,
  /** The database cannot be reached, or the exchange bans or holds this address: try again later. */
  tryAgain: 75,
  /** Wrong settings, all listed together; also a refused region and a database of another exchange. */
  settings: 78,
  /** The deadline of the command passed; the work done so far is stored. */
  deadline: 124,
  /** SIGTERM came while work was left. */
  terminated: 143,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
