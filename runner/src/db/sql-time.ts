/** Times of the database as this program has them: milliseconds, since 1970 where it is a moment, as a number. */

export const msOf = (time: string) => `(extract(epoch from ${time}) * 1000)::float8`;

/** The same of a time that a person may have written: one that a Date cannot hold is moved to where a Date can. */
export const boundedMs = (time: string) => msOf(`greatest(least(${time}, '9999-01-01'), to_timestamp(0))`);

/** How long ago a moment was, by the database's clock. */
export const ageMs = (since: string) => msOf(`clock_timestamp() - ${since}`);

/**
 * How long it is until the latest of these moments, 0 where all are over. Taking anything from -infinity ("never") is an
 * error before PostgreSQL 17, so no moment before now takes part.
 */
export const leftMs = (...until: readonly string[]) =>
  `greatest(0, extract(epoch from greatest(${until.join(", ")}, clock_timestamp()) - clock_timestamp()) * 1000)::float8`;
