/**
 * What `./r3a` of a clone says to the runner that it starts: names of environment variables which nobody else sets.
 * `check`: the runner parses arguments and settings, reports their faults as ever, and does no work. `note`: a sentence
 * about the database, for stderr. `program`: how the person started the launcher, for the commands that messages name.
 */
export const LAUNCH = {
  check: "R3A_LAUNCH_CHECK",
  note: "R3A_LAUNCH_NOTE",
  program: "R3A_LAUNCH_PROGRAM",
} as const;
