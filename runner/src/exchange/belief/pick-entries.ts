import { garbage } from "../failure.ts";

/** An entry with everything that its symbol permits has 6 kB; one that is longer is none. */
const LONGEST_ENTRY = 64_000;
const MOST_ENTRIES = 10_000;
const LONGEST_FIELD = 100;
const DEEPEST = 32;

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * JSON of the same shape with nothing but `fields` of each entry of the list: the answer itself, or its field `listName`.
 * Entries are parsed one by one, so that neither a list of 7 MB (the exchange's own) nor one of a million empty objects
 * takes more memory than its bytes. An entry that is no object comes out as null. An answer that has no such list comes
 * out as null as a whole.
 */
export function pickEntries(body: Buffer, listName: string | null, fields: readonly string[]): string {
  const listDepth = listName === null ? 1 : 2;
  const picked: string[] = [];
  let isFound = false;
  let isInList = false;
  let entryFrom = 0;
  let depth = 0;
  const endEntry = (to: number, isLast: boolean) => {
    const text = to - entryFrom > LONGEST_ENTRY ? "null" : body.toString("utf8", entryFrom, to).trim();
    // an empty list has one entry of nothing
    if (!(isLast && text === "" && picked.length === 0)) picked.push(pickFields(text, fields));
    if (picked.length > MOST_ENTRIES) throw garbage(`the list has more than ${MOST_ENTRIES} entries`);
    entryFrom = to + 1;
  };
  for (let index = 0; index < body.length; index += 1) {
    const byte = body[index];
    if (byte === QUOTE) index = endOfText(body, index);
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      depth += 1;
      if (depth > DEEPEST) throw garbage(`the answer is nested more than ${DEEPEST} deep`);
      if (depth === listDepth && byte === OPEN_LIST && !isFound && isNamed(body, index, listName)) {
        isFound = true;
        isInList = true;
        entryFrom = index + 1;
      }
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      if (depth === listDepth && isInList) {
        endEntry(index, true);
        isInList = false;
      }
      depth -= 1;
    } else if (byte === COMMA && depth === listDepth && isInList) endEntry(index, false);
  }
  if (depth !== 0) throw garbage("the answer was cut short");
  if (!isFound) return "null";
  return listName === null ? `[${picked.join(",")}]` : `{${JSON.stringify(listName)}:[${picked.join(",")}]}`;
}

/** Index of the quote that ends the text, or of the answer's last byte. */
function endOfText(body: Buffer, from: number): number {
  for (let index = from + 1; index < body.length; index += 1) {
    if (body[index] === BACKSLASH) index += 1;
    else if (body[index] === QUOTE) return index;
  }
  throw garbage("the answer was cut short");
}

/** Whether `"name":` stands before the bracket. */
function isNamed(body: Buffer, bracket: number, name: string | null): boolean {
  if (name === null) return true;
  const before = body.toString("latin1", Math.max(0, bracket - name.length - 40), bracket);
  return before.replace(/\s*:\s*$/, "").endsWith(JSON.stringify(name));
}

function pickFields(text: string, fields: readonly string[]): string {
  let entry: unknown;
  try {
    entry = JSON.parse(text);
  } catch (error) {
    throw garbage("an entry of the list is not JSON", error);
  }
  if (typeof entry !== "object" || entry === null) return "null";
  const kept = Object.entries(entry).filter(
    ([name, value]) =>
      fields.includes(name) &&
      (typeof value === "number" || (typeof value === "string" && value.length <= LONGEST_FIELD)),
  );
  return JSON.stringify(Object.fromEntries(kept));
}
