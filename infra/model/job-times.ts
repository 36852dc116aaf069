/**
 * What the times and the name of a CronJob must be to each other. The settings check asks for a job of the table, the
 * rules for any CronJob; all times in seconds.
 */

/** The controller appends eleven characters to make a Job's name; 63 is the limit of its pods' labels. */
export const LONGEST_NAME = 52;
/** The controller looks every ten seconds: with less, a start may never happen. */
export const SHORTEST_STARTING_DEADLINE = 10;
/** Missed starts after which the controller gives up counting (TooManyMissedTimes). */
export const MOST_MISSED = 100;
/** From the creation of a Job to the command's first line, and a little more. */
export const START_UP_SECONDS = 5;

/** Whether the controller can make Jobs of a CronJob of this name. */
export function isNameTooLong(name: string): boolean {
  return name.length > LONGEST_NAME;
}

/** Whether a start may never happen because it may not even be late by one look of the controller. */
export function isStartTooShort(startingDeadline: number): boolean {
  return startingDeadline < SHORTEST_STARTING_DEADLINE;
}

/** Whether so many starts fit into the starting deadline that the controller gives up counting. */
export function isStartTooLong(startingDeadline: number, period: number): boolean {
  return startingDeadline >= MOST_MISSED * period;
}

/** How long a run may take at most: its active deadline, and the grace after it. */
export function longestRun(activeDeadline: number, grace: number): number {
  return activeDeadline + grace;
}

/** What start-up and grace leave of the active deadline for the command itself; 0 or less: nothing. */
export function ownDeadline(activeDeadline: number, grace: number): number {
  return activeDeadline - grace - START_UP_SECONDS;
}
