import type { KillPoint } from "./kill-wire.ts";

/** `all`, or the number of another draw. */
const asked = process.env.R3A_KILL_SEED;

/**
 * `count` of the points, drawn by a number that changes each day, so that CI comes to each of them; with `R3A_KILL_SEED=all`
 * all of them, and with the number that a failed test names those of that draw.
 */
export function chooseKills<Point extends Pick<KillPoint, "name">>(
  points: readonly Point[],
  count: number,
): { readonly points: readonly Point[]; readonly draw: string } {
  if (asked === "all") return { points, draw: "all" };
  const draw = Number(asked ?? Math.floor(Date.now() / 86_400_000));
  const left = [...points];
  let state = draw;
  const chosen = Array.from({ length: Math.min(count, left.length) }, () => {
    // the generator of Numerical Recipes; its low bits have short periods
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return left.splice((state >>> 8) % left.length, 1);
  });
  return { points: chosen.flat(), draw: `R3A_KILL_SEED=${draw}` };
}
