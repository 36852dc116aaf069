import { isInterval } from "../candle/interval.ts";
import type { LegacyLeaf, TreeNode } from "../db/legacy/catalog.ts";
import { LARGEST_ID } from "./coin-map.ts";

/** What the levels above a table say about its rows: each level gives a coin, an interval or a span of time. */
type Place = {
  readonly coin?: string;
  readonly interval?: string;
  readonly from?: number;
  readonly to?: number;
};

/**
 * The leaves of the old tree, newest first; the levels may be nested in any order. A table that does not hold one coin,
 * one interval and one span of time is a fault with its name: nothing is guessed.
 */
export function parseLeaves(nodes: readonly TreeNode[]): {
  readonly leaves: readonly LegacyLeaf[];
  readonly faults: readonly string[];
} {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const places = new Map<string, Place>();
  const leaves: LegacyLeaf[] = [];
  const faults: string[] = [];
  const placeOf = (node: TreeNode): Place => {
    const known = places.get(node.name);
    if (known !== undefined) return known;
    const parent = node.parent === null ? undefined : byName.get(node.parent);
    const place = parent === undefined ? {} : { ...placeOf(parent), ...parseBound(parent.key, node.bound) };
    places.set(node.name, place);
    return place;
  };
  for (const node of nodes) {
    if (node.key !== null) continue;
    const leaf = leafOf(node, placeOf(node));
    if (typeof leaf === "string") faults.push(leaf);
    else leaves.push(leaf);
  }
  return {
    leaves: leaves.toSorted((a, b) => b.span.to - a.span.to || a.coinId - b.coinId),
    faults,
  };
}

function leafOf(
  { name, parent, rows, bytes, isUnique }: TreeNode,
  { coin, interval, from, to }: Place,
): LegacyLeaf | string {
  if (parent === null) return `${name} is not partitioned: it is not the old layout that this command moves`;
  if (coin === undefined || interval === undefined || from === undefined || to === undefined)
    return `${name} does not hold one coin, one interval and one span of time: move its rows into such leaves, or detach it`;
  const coinId = Number(coin);
  if (!/^\d+$/.test(coin) || coinId > LARGEST_ID)
    return `${name} has the coin id ${coin}: ids are whole numbers below 2^31`;
  if (!isInterval(interval))
    return `${name} holds the interval ${interval}, which the new layout does not have: detach the leaf and keep it elsewhere`;
  return { name, parent, coinId, interval, span: { from, to }, rows, bytes, isUnique };
}

function parseBound(key: string | null, bound: string | null): Place {
  const [, kind, column] = /^(LIST|RANGE) \("?(\w+)"?\)$/.exec(key ?? "") ?? [];
  if (kind === "LIST") {
    const [, value] = /^FOR VALUES IN \('?([^',]+)'?\)$/.exec(bound ?? "") ?? [];
    if (column === "coin_id" && value !== undefined) return { coin: value };
    if (column === "interval" && value !== undefined) return { interval: value };
  }
  if (kind === "RANGE" && column === "timestamp") {
    const [, first, last] = /^FOR VALUES FROM \('([^']+)'\) TO \('([^']+)'\)$/.exec(bound ?? "") ?? [];
    const [from, to] = [parseBoundTime(first), parseBoundTime(last)];
    if (from !== null && to !== null) return { from, to };
  }
  return {};
}

/** Reads `2024-01-01 00:00:00+00`, as the session prints it in UTC; a column without time zone prints no offset. */
function parseBoundTime(text: string | undefined): number | null {
  const [, day, time] = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\+00)?$/.exec(text ?? "") ?? [];
  return day === undefined ? null : Date.parse(`${day}T${time}Z`);
}
