/** More letters make another name of a symbol or a column, and not a mistyped one. */
const MOST_LETTERS = 2;
/** What most symbols have in the end beside the base asset, such as USDT. */
const QUOTE_LETTERS = 4;

/** The known symbol that a mistyped one most likely stands for, the first of equals; undefined where none is near. */
export function nearestSymbol(typed: string, known: readonly string[]): string | undefined {
  // USDT is in nearly all names: it makes no two of them alike
  return nearest(typed, known, (symbol) => symbol.length - QUOTE_LETTERS);
}

/** The same for names of another kind, which have no common end. */
export function nearestName(typed: string, known: readonly string[]): string | undefined {
  return nearest(typed, known, (name) => name.length);
}

/**
 * `lettersOf`: number of the letters that tell a name from others; fewer than half of them may be wrong. A name that was
 * not typed to its end is near as well.
 */
function nearest(
  typed: string,
  known: readonly string[],
  lettersOf: (name: string) => number,
): string | undefined {
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of known) {
    if (name === typed || Math.abs(name.length - typed.length) > MOST_LETTERS) continue;
    const distance = distanceOf(typed, name);
    const isNear = distance <= MOST_LETTERS && distance * 2 < lettersOf(name);
    if ((isNear || name.startsWith(typed)) && distance < (best?.distance ?? Number.POSITIVE_INFINITY))
      best = { name, distance };
  }
  return best?.name;
}

/** How many letters to insert, delete, replace, or swap with their neighbour. */
export function distanceOf(left: string, right: string): number {
  let before: readonly number[] = [];
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let line = 1; line <= left.length; line += 1) {
    const next = [line];
    for (let column = 1; column <= right.length; column += 1) {
      const isSame = left[line - 1] === right[column - 1];
      const isSwapped = left[line - 1] === right[column - 2] && left[line - 2] === right[column - 1];
      const replaced = (row[column - 1] ?? 0) + (isSame ? 0 : 1);
      const swapped = isSwapped ? (before[column - 2] ?? 0) + 1 : replaced;
      next.push(Math.min((row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1, replaced, swapped));
    }
    [before, row] = [row, next];
  }
  return row[right.length] ?? 0;
}
