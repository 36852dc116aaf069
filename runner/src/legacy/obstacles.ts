import type { Dependent } from "../db/legacy/dependents.ts";

/** What stands in the way before anything is changed, each with what a person must do. */
export function listObstacles(dependents: readonly Dependent[], occupied: readonly string[]): string[] {
  return [
    ...occupied.map((name) => `${name} is in the way of what is renamed: rename or drop it`),
    ...dependents.flatMap(({ name, on, place, isReference }) => {
      if (place === "function")
        return `${name} uses ${on}, which the new schema replaces: drop it, and make it anew after the move`;
      if (place === "leaf")
        return `${name} stands on ${on}, which goes when its candles are moved: drop it, and make it anew on r3a.ohlcv_partitioned`;
      if (place === "root" && isReference)
        return `${name} refers to candles of ${on}, so that no leaf could be dropped: drop it, and make it anew after the move`;
      return [];
    }),
  ];
}

/** Objects that follow a table under its old name and go on reading it: no obstacle yet. */
export function listFollowers(dependents: readonly Dependent[]): readonly Dependent[] {
  return dependents.filter(
    ({ place, isReference }) => place === "table" || (place === "root" && !isReference),
  );
}
