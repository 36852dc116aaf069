/**
 * What `./r3a` of a clone says to the runner that it starts: names of environment variables which nobody else sets.
 * `check`: the runner parses arguments and settings, reports their faults as ever, and does no work. `note`: a sentence
 * about the database, for stderr.
 */
export const LAUNCH = { check: "R3A_LAUNCH_CHECK", note: "R3A_LAUNCH_NOTE" } as const;
