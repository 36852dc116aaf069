/** Control and format characters, single halves of a pair, separators of lines: a terminal, a log or jsonb breaks on them. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;

/**
 * A text from outside, as a person can read it and every table can hold it: one line of at most `most` characters.
 * Copied, so that a few words of an answer do not keep the whole answer in memory.
 */
export function printable(text: string, most: number): string {
  const characters = Array.from(text.slice(0, most + 1)).slice(0, most);
  return characters.map((each) => (UNPRINTABLE.test(each) ? "\ufffd" : each)).join("");
}

/** A row of an answer is a list of fields; what is nested deeper is not shown. */
const DEEPEST = 2;

/**
 * JSON of a value of an answer, cut to `most` characters. Neither its size nor its depth matters: a million nested lists
 * are an answer too, on which JSON.stringify overflows the stack.
 */
export function excerptOf(value: unknown, most: number): string {
  return printable(writeJson(value, most, 0), most);
}

function writeJson(value: unknown, room: number, depth: number): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, room));
  if (typeof value !== "object" || value === null) return String(value);
  if (depth === DEEPEST) return "...";
  const isList = Array.isArray(value);
  const parts: string[] = [];
  let left = room;
  const add = (part: string) => {
    parts.push(part);
    left -= part.length + 1;
    return left > 0;
  };
  if (isList) value.every((item) => add(writeJson(item, left, depth + 1)));
  else
    for (const key in value)
      if (
        !add(`${JSON.stringify(key.slice(0, left))}:${writeJson(Reflect.get(value, key), left, depth + 1)}`)
      )
        break;
  return isList ? `[${parts.join(",")}]` : `{${parts.join(",")}}`;
}
