import type { Source } from "../../infra/settings/parse.ts";

/** Settings as a reader finds them that knows plain data alone, all in one file. */
export function sourceOf(raw: Readonly<Record<string, unknown>>, file: string): Source {
  const values = Object.fromEntries(Object.entries(raw).map(([name, value]) => [name, { value }]));
  return { values, placeOf: () => file, faults: [] };
}
