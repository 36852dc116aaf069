import Table from "cli-table3";
import { commandLine } from "./program-name.ts";

/** The frame costs a table that fits into 80 columns a sixth of them, so there is none. */
const NO_FRAME = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", mid: "", "mid-mid": "" },
  ...{ right: "", "right-mid": "", middle: "  " },
};

/**
 * A plain table with heads and rows: texts stand to the left, numbers (also as text, such as `1.5`) to the right, and no
 * line has blanks at its end. It has no colour codes, so that a program can read it too.
 */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === "number" ? renderNumber(cell) : cell)));
  const isNumber = head.map(
    (_, index) => rows.length > 0 && cells.every((row) => /^[\d.,]+$/.test(row[index] ?? "")),
  );
  const table = new Table({
    head: [...head],
    chars: NO_FRAME,
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 0 },
    colAligns: isNumber.map((right) => (right ? "right" : "left")),
  });
  table.push(...cells);
  return table.toString().replaceAll(/ +$/gm, "");
}

const WIDTH = 80;

/**
 * A sentence in lines of at most 80 letters, broken at blanks; blanks before it stay, each further line is indented by two
 * more, and a long word stays whole.
 */
export function wrapLine(text: string): string {
  const [indent = ""] = /^ */.exec(text) ?? [];
  const [first = "", ...words] = text.slice(indent.length).split(" ");
  const lines = [`${indent}${first}`];
  for (const word of words) {
    const last = lines.at(-1) ?? "";
    if (last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${indent}  ${word}`);
  }
  return lines.join("\n");
}

/** `1 gap`, `1,234 gaps`; `many` where the plural is not the singular with an s. */
export function renderCount(count: number, one: string, many = `${one}s`): string {
  return `${renderNumber(count)} ${count === 1 ? one : many}`;
}

/** `no gap is open`, `1 gap is open`, `2 gaps are open`. */
export function renderOpenGaps(count: number): string {
  return count === 0 ? "no gap is open" : renderCount(count, "gap is open", "gaps are open");
}

/** What every report says where it has no series to speak of. `isNarrowed`: options chose the series. */
export function renderNothing(isNarrowed: boolean): string {
  return isNarrowed ? "nothing is stored of this selection" : "no series is stored yet";
}

/** Gaps that no run asks for, and how many of them (`inBackup`) are only not loaded yet by a restore. */
export type Unasked = { readonly notRequested: number; readonly inBackup: number };

/** What every report says of gaps that no run asks for; nothing where there are none. */
export function renderUnasked({ notRequested, inBackup }: Unasked): readonly string[] {
  const never = notRequested - inBackup;
  const list = commandLine("gaps --state not_requested");
  return [
    ...(never === 0 ? [] : [`${renderCount(never, "gap was", "gaps were")} never asked for: ${list}`]),
    ...(inBackup === 0
      ? []
      : [`${renderCount(inBackup, "gap is", "gaps are")} in the backup, and a restore loads them: ${list}`]),
  ];
}

/**
 * 1234567 as `1,234,567`. The locale functions are not used: loading their data costs 35 ms, a tenth of the minute job.
 */
export function renderNumber(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

const UNITS = ["", "k", "M", "G", "T"];

/** Three digits and a unit of thousands: `999`, `12.3k`, `1.23G`; with `gap` between them. */
export function renderShort(value: number, gap = ""): string {
  let [rest, index] = [value, 0];
  // 999.5 would be rounded to four digits
  for (; rest >= 999.5 && index < UNITS.length - 1; index += 1) rest /= 1000;
  return `${index === 0 ? rest : rest.toPrecision(3)}${gap}${UNITS[index]}`;
}

/** `712 B`, `12.3 kB`: decimal, as a person compares them with a disk. */
export function renderBytes(bytes: number): string {
  return `${renderShort(bytes, " ")}B`;
}
