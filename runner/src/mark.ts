import { SIMULATED_ENDING } from "./contract/names.ts";

/** What results say of a database of made-up candles. */
export const SIMULATED = "SIMULATED: made-up candles of the simulated exchange, not a market's";

/** Whether the name of the database says that its candles are made up. */
export function isSimulated(dbUrl: string | undefined): boolean {
  if (dbUrl === undefined || !URL.canParse(dbUrl)) return false;
  return new URL(dbUrl).pathname.endsWith(SIMULATED_ENDING);
}

/**
 * Where the mark stands: above a result that a person reads, beside one of candles for a program. A summary as JSON has
 * no candles in it.
 */
export function placeOfMark({
  json,
  format,
  output,
}: Readonly<Record<string, unknown>>): "stdout" | "stderr" | null {
  if (json === true) return null;
  if (output !== undefined && output !== "-") return "stderr";
  return format === undefined || format === "table" || format === "markdown" ? "stdout" : "stderr";
}
