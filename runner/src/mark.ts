import { SIMULATED_ENDING } from "./contract/names.ts";

/** What results say of a database of made-up candles. */
export const SIMULATED = "SIMULATED: made-up candles of the simulated exchange, not a market's";

/** Whether the name of the database says that its candles are made up. */
export function isSimulated(dbUrl: string | undefined): boolean {
  if (dbUrl === undefined || !URL.canParse(dbUrl)) return false;
  return new URL(dbUrl).pathname.endsWith(SIMULATED_ENDING);
}

export type PlaceOfMark = "stdout" | "stderr" | null;

/**
 * Where the mark stands: above a result that a person reads, beside one of candles for a program. A summary as JSON has
 * no candles in it.
 */
export function placeOfMark({ json, format, output }: Readonly<Record<string, unknown>>): PlaceOfMark {
  if (json === true) return null;
  if (output !== undefined && output !== "-") return "stderr";
  return format === undefined || format === "table" || format === "markdown" ? "stdout" : "stderr";
}

/** The line for stderr: the launcher's note, and the mark unless it stands above the result. Empty without both. */
export function renderNote(note: string | undefined, isMadeUp: boolean, place: PlaceOfMark): string {
  const isMarked = isMadeUp && (place === "stderr" || (place === null && note !== undefined));
  const parts = [note, isMarked ? SIMULATED : undefined].filter((part) => part !== undefined);
  return parts.length === 0 ? "" : `${parts.join(": ")}\n`;
}
