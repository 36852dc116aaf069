/**
 * The limits of the name and the times of a CronJob. The check of the settings asks about the jobs of the table, the
 * rules ask about any CronJob. All times are in seconds.
 */

/** The controller appends eleven characters to make a Job's name; 63 is the limit of its pods' labels. */
export const LONGEST_NAME = 52;
/** The controller looks for starts every ten seconds: with a shorter deadline it may miss each start. */
export const SHORTEST_STARTING_DEADLINE = 10;
/** After so many missed starts the controller stops counting (TooManyMissedTimes). */
export const MOST_MISSED = 100;
/** The time from the creation of a Job to the first line of its command, with a reserve. */
export const START_UP_SECONDS = 5;

/** Whether the controller can make Jobs of a CronJob of this name. */
export function isNameTooLong(name: string): boolean {
  return name.length > LONGEST_NAME;
}

/** Whether the controller may miss each start, because the deadline is shorter than its own period. */
export function isStartTooShort(startingDeadline: number): boolean {
  return startingDeadline < SHORTEST_STARTING_DEADLINE;
}

/** Whether so many starts fit into the starting deadline that the controller stops counting. */
export function isStartTooLong(startingDeadline: number, period: number): boolean {
  return startingDeadline >= MOST_MISSED * period;
}

/** How long a run may take at most: the active deadline, and the grace after the deadline. */
export function longestRun(activeDeadline: number, grace: number): number {
  return activeDeadline + grace;
}

/** The part of the active deadline that start-up and grace leave to the command; 0 or less: nothing is left. */
export function ownDeadline(activeDeadline: number, grace: number): number {
  return activeDeadline - grace - START_UP_SECONDS;
}
