import type { Span } from "../candle/span.ts";
import { INTERVALS } from "../contract/intervals.ts";
import { leafAt } from "./layout.ts";

/** A table below a list partition. `span` is null if its bounds are not those of a leaf. Names without schema. */
export type AttachedLeaf = {
  readonly name: string;
  readonly parent: string;
  readonly span: Span | null;
  readonly isDetaching: boolean;
  readonly options: readonly string[];
};

/** Sentences about tables that stand where a leaf belongs, with other bounds or under another name. */
export function listMisaligned(leaves: readonly Pick<AttachedLeaf, "name" | "parent" | "span">[]): string[] {
  return leaves.flatMap(({ name, parent, span }) => {
    const interval = INTERVALS.find((candidate) => leafAt(candidate, 0).parent === parent);
    const should = interval !== undefined && span !== null ? leafAt(interval, span.from) : null;
    if (
      should !== null &&
      should.name === name &&
      should.span.from === span?.from &&
      should.span.to === span.to
    )
      return [];
    const place = should === null ? "" : `; its period belongs to r3a.${should.name}`;
    return [`r3a.${name} below r3a.${parent} is no leaf of R3A${place}: detach it, and move its rows`];
  });
}
