/** The exit codes of every command. infra makes the podFailurePolicy of the Jobs from them. */
export const EXIT = {
  /** Done, or nothing to do, or another holder is at work. */
  done: 0,
  /** At least one series or step failed. */
  failed: 1,
  /** A brake stopped the command, or no backup can be restored from: a person must look. */
  brake: 3,
  usage: 64,
  /** The database cannot be reached or is being restored, or the exchange bans or holds this address: try again later. */
  tryAgain: 75,
  /** Wrong settings, all listed together; also a refused region and a database of another exchange. */
  settings: 78,
  /** The deadline of the command passed; the work done so far is stored. */
  deadline: 124,
  /** SIGTERM came while work was left. */
  terminated: 143,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What each code means, as help and docs/commands.md say it. */
export const EXIT_MEANING: Readonly<Record<keyof typeof EXIT, string>> = {
  done: "done, or nothing to do, or another run is at the same work",
  failed:
    "at least one series or step failed, also by a garbage or cut answer after its retries; health and doctor: findings; verify: faults among its findings; candles --strict: missing candles; restore --compare: the live rows differ; drill: something restored differs; seal: a person must look at a leaf; scrub: damage",
  brake:
    "stopped by a brake (janitor, restore --damaged) or by restore --hold, or no backup can be restored from (restore, drill): a person must look",
  usage: "wrong arguments, all faults listed together",
  tryAgain:
    "try again later: the database cannot be reached, waits for migrate, or is being restored; the exchange bans or holds this address, or cannot be reached, and no series succeeded; no tier of backups can be reached or has room, or the spool has none (backup, restore, drill); drill: not all could be compared",
  settings:
    "wrong settings, all faults listed together, a wrong password or missing right too; region refused; database of another exchange; every tier refuses the backup; seal: fewer than two tiers are set",
  deadline: "its own deadline passed; the work done so far is stored",
  terminated: "SIGTERM or SIGINT with work left; the work done so far is stored",
};
