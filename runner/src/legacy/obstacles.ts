import type { Dependent } from "../db/legacy/dependents.ts";

/** Sentences about what prevents the move, each with what a person must do; nothing is changed yet. */
export function listObstacles(dependents: readonly Dependent[], occupied: readonly string[]): string[] {
  return [
    ...occupied.map((name) => `${name} has a name that the move needs: rename or drop it`),
    ...dependents.flatMap(({ name, on, place, isReference }) => {
      if (place === "function")
        return `${name} uses ${on}, which the new schema replaces: drop it, and make it again after the move`;
      if (place === "leaf")
        return `${name} depends on ${on}, which is dropped when its candles are moved: drop it, and make it again on r3a.ohlcv_partitioned`;
      if (place === "root" && isReference)
        return `${name} refers to candles of ${on}, so no leaf could be dropped: drop it, and make it again after the move`;
      return [];
    }),
  ];
}

/** Objects that go on reading an old table after it is renamed: no obstacle until that table is dropped. */
export function listFollowers(dependents: readonly Dependent[]): readonly Dependent[] {
  return dependents.filter(
    ({ place, isReference }) => place === "table" || (place === "root" && !isReference),
  );
}
