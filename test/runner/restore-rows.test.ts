import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { tallyBytes } from "../../runner/src/archive/object/tally.ts";
import { sendInBatches } from "../../runner/src/restore/batches.ts";
import { pickRows } from "../../runner/src/restore/pick-rows.ts";

async function* inParts(text: string, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function pick(text: string, series: readonly string[], sizes: readonly number[] = [7]) {
  const counts = { rows: 0, all: 0 };
  const rows = pickRows(inParts(text, sizes), series, (seen) => {
    counts.rows += seen.rows;
    counts.all += seen.all;
  });
  return { text: (await buffer(rows)).toString(), ...counts };
}

const line = (coin: number, interval: string, rest: string) => `${coin}\t${interval}\t${rest}\n`;

describe("rows of an object", () => {
  const text =
    line(1, "4h", "a\t1") +
    line(1, "4h", "b\t2") +
    line(11, "4h", "c") +
    line(1, "1d", "d") +
    line(2, "4h", "");

  test("are picked by coin and interval, and all are counted", async () => {
    expect(await pick(text, ["1\t4h\t", "2\t4h\t"])).toEqual({
      text: line(1, "4h", "a\t1") + line(1, "4h", "b\t2") + line(2, "4h", ""),
      ...{ rows: 3, all: 5 },
    });
    expect(await pick(text, ["11\t4h\t"])).toEqual({ text: line(11, "4h", "c"), rows: 1, all: 5 });
    expect(await pick(text, [])).toEqual({ text: "", rows: 0, all: 5 });
    expect(await pick("", ["1\t4h\t"])).toEqual({ text: "", rows: 0, all: 0 });
  });

  test("are the same however the bytes come", async () => {
    const rows = fc.array(
      fc.tuple(
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom("1d", "4h"),
        fc.stringMatching(/^[a-z\t]{0,9}$/),
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        async (lines, sizes) => {
          const isWanted = ([coin, interval]: (typeof lines)[number]) => coin % 2 === 1 && interval === "4h";
          const series = [1, 3, 5, 7, 9, 11].map((coin) => `${coin}\t4h\t`);
          const whole = lines.map((each) => line(...each)).join("");
          expect((await pick(whole, series, sizes)).text).toBe(
            lines
              .filter(isWanted)
              .map((each) => line(...each))
              .join(""),
          );
        },
      ),
    );
  });

  test("are refused where the text ends within one, is no row, or has no lines", async () => {
    await expect(pick(`${text}1\t4h`, [])).rejects.toThrow("ends within a row");
    await expect(pick(`${text}hello\n`, [])).rejects.toThrow("a line that is no row: hello");
    await expect(pick("x".repeat(100_000), [], [50_000])).rejects.toThrow("a line of more than 65536 bytes");
  });
});

describe("batches", () => {
  async function* parts(count: number, fails = false) {
    for (let n = 0; n < count; n += 1) yield Buffer.alloc(1024 * 1024, n);
    if (fails) throw new Error("the source ends");
  }

  test("hold every byte in order, one at a time, also those of a part that is larger than a batch", async () => {
    async function* uneven() {
      for (const bytes of [
        700_001, 900_000, 1_000_000, 5_000_000, 1, 2_097_152, 3_000_000, 12, 800_000, 1_999_999,
      ])
        yield randomBytes(bytes);
    }
    const [read, sent] = [tallyBytes(), tallyBytes()];
    let under = 0;
    await sendInBatches(read.pass(uneven()) as AsyncGenerator<Buffer>, async (batch) => {
      under += 1;
      expect(under).toBe(1);
      // the next batch is read meanwhile
      await new Promise((resolve) => setTimeout(resolve, 5));
      await buffer(sent.pass(Readable.from(batch)));
      under -= 1;
    });
    expect([sent.bytes(), sent.sha256()]).toEqual([read.bytes(), read.sha256()]);
  });

  test("end with the error of the source or of the one who takes them, when nothing is under way any more", async () => {
    let isUnderWay = false;
    const slowly = async () => {
      isUnderWay = true;
      await new Promise((resolve) => setTimeout(resolve, 20));
      isUnderWay = false;
    };
    await expect(sendInBatches(parts(5, true), slowly)).rejects.toThrow("the source ends");
    expect(isUnderWay).toBe(false);
    const refusing = () => Promise.reject(new Error("the server refuses"));
    await expect(sendInBatches(parts(9), refusing)).rejects.toThrow("the server refuses");
    await expect(sendInBatches(parts(1), refusing)).rejects.toThrow("the server refuses");
  });
});
