import { printable } from "../candle/printable.ts";
import { RestoreRefusal } from "./refusal.ts";

const [TAB, NEWLINE] = [9, 10];
/** A row of the candle table has at most 1,024 bytes where this program wrote it (copy-lines.ts). */
const LONGEST_LINE = 64 * 1024;

export type Picked = { readonly rows: number; readonly all: number };

/**
 * The lines of COPY text whose first two fields are in `series` (`7\t1m\t`, each with both tabs), in parts of about the size
 * in which they come. The rows of a series stand together, so that a line is mostly compared with the series of the line
 * before it. `onPart` gets the counts of each part. Refuses text that is not in lines.
 */
export async function* pickRows(
  source: AsyncIterable<Uint8Array>,
  series: readonly string[],
  onPart: (picked: Picked) => void,
): AsyncGenerator<Buffer> {
  const pick = createPicker(series);
  let rest: Buffer = Buffer.alloc(0);
  for await (const part of source) {
    const chunk = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    const first = chunk.indexOf(NEWLINE) + 1;
    const last = chunk.lastIndexOf(NEWLINE) + 1;
    // only the line that begins in an earlier part is copied: copies of all parts are as much garbage as the object is large
    const line = rest.length === 0 || first === 0 ? null : Buffer.concat([rest, chunk.subarray(0, first)]);
    const whole = chunk.subarray(line === null ? 0 : first, last);
    const [begun, picked] = [line === null ? NOTHING : pick(line), pick(whole)];
    if (last === 0) rest = Buffer.concat([rest, chunk]);
    else rest = chunk.subarray(last);
    if (rest.length > LONGEST_LINE)
      throw new RestoreRefusal(`has a line of more than ${LONGEST_LINE} bytes, which is no row`);
    onPart({ rows: begun.rows + picked.rows, all: begun.all + picked.all });
    yield* begun.texts;
    yield* picked.texts;
  }
  if (rest.length > 0) throw new RestoreRefusal("ends within a row");
}

type PickedText = Picked & { readonly texts: readonly Buffer[] };
const NOTHING: PickedText = { texts: [], rows: 0, all: 0 };

/** Takes whole lines and returns those of the series, as views. It remembers the series of the last line. */
function createPicker(series: readonly string[]): (text: Buffer) => PickedText {
  const wanted = new Set(series);
  let last: Buffer = Buffer.alloc(0);
  let isWanted = false;
  return (text) => {
    const texts: Buffer[] = [];
    let [rows, all, at, from] = [0, 0, 0, 0];
    for (let end = text.indexOf(NEWLINE); end !== -1; end = text.indexOf(NEWLINE, at)) {
      if (
        last.length === 0 ||
        text.compare(last, 0, last.length, at, Math.min(at + last.length, end)) !== 0
      ) {
        if (isWanted) texts.push(text.subarray(from, at));
        from = at;
        last = seriesOf(text.subarray(at, end));
        isWanted = wanted.has(last.toString("latin1"));
      }
      at = end + 1;
      all += 1;
      if (isWanted) rows += 1;
    }
    if (isWanted) texts.push(text.subarray(from, at));
    return { texts: texts.filter(({ length }) => length > 0), rows, all };
  };
}

/** The first two fields of a line with their tabs. */
function seriesOf(line: Buffer): Buffer {
  const first = line.indexOf(TAB);
  const second = first === -1 ? -1 : line.indexOf(TAB, first + 1);
  if (second === -1)
    throw new RestoreRefusal(`has a line that is no row: ${printable(line.toString("latin1"), 60)}`);
  return Buffer.from(line.subarray(0, second + 1));
}
