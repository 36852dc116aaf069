/**
 * The limits of the name and the times of a CronJob. The check of the settings asks about the jobs of the table, the
 * rules ask about any CronJob. All times are in seconds.
 */

/** The controller appends eleven characters to make a Job's name; 63 is the limit of its pods' labels. */
export const LONGEST_NAME = 52;
/** The controller looks for starts every ten seconds: with a shorter starting deadline it may miss each start. */
export const SHORTEST_STARTING_DEADLINE = 10;
/** If so many starts fit into the starting deadline, the controller may stop counting them (TooManyMissedTimes). */
export const MOST_MISSED = 100;
/** The time from the creation of a Job to the first line of its command, with a reserve. */
export const START_UP_SECONDS = 5;

/** The part of the active deadline that start-up and grace leave to the command; 0 or less: nothing is left. */
export function ownDeadline(activeDeadline: number, grace: number): number {
  return activeDeadline - grace - START_UP_SECONDS;
}
