import { SettingsFault } from "../../infra/errors.ts";
import type { Source } from "../../infra/settings/parse.ts";

/** Settings as a reader finds them that knows plain data alone, all in one file. */
export function sourceOf(raw: Readonly<Record<string, unknown>>, file: string): Source {
  const values = Object.fromEntries(Object.entries(raw).map(([name, value]) => [name, { value }]));
  return { values, placeOf: () => file, faults: [] };
}

/** The faults with which a reader of settings ends; none: it does not throw. */
export function faultsOf(read: () => unknown): readonly string[] {
  try {
    read();
    return [];
  } catch (error) {
    if (error instanceof SettingsFault) return error.faults;
    throw error;
  }
}
