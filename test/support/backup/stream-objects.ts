import { randomBytes } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { openObject } from "../../../runner/src/archive/object/open.ts";
import { sealObject } from "../../../runner/src/backup/seal.ts";

/**
 * A program by itself, for its memory alone: seals so many bytes of rows as COPY gives them, and opens the object again.
 * Arguments: rows or random, bytes, spool, recipient, identity. Prints both peaks (kB) and both lengths.
 */
const [kind = "", bytes = "0", spool = "", recipient = "", identity = ""] = process.argv.slice(2);
const { signal } = new AbortController();

async function* rows(): AsyncGenerator<Buffer> {
  let left = Number(bytes);
  for (let minute = 0; left > 0; ) {
    let part = "";
    for (const end = minute + 500; minute < end; minute += 1) {
      // zstd shrinks these to a sixth, real candles to a third: the test looks at random bytes too
      const price = (40_000 + ((minute * 7_919) % 100_003) / 100).toFixed(8);
      const volume = (((minute * 104_729) % 1_000_003) / 1e5).toFixed(8);
      const time = new Date(1.6e12 + minute * 60_000).toISOString();
      part += `${minute % 60}\t1m\t${time}\t${price}\t${price}\t${price}\t${price}\t${volume}\t${volume}\n`;
    }
    const chunk = Buffer.from(part).subarray(0, left);
    left -= chunk.length;
    yield chunk;
  }
}

async function* random(): AsyncGenerator<Buffer> {
  for (let left = Number(bytes); left > 0; left -= 50_000) yield randomBytes(Math.min(left, 50_000));
}

/** As bench/peak-rss.js reads it: the peak of this process alone. */
function peakKb(): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
}

const { path, ...facts } = await sealObject(Readable.from(kind === "rows" ? rows() : random()), {
  spool,
  recipients: [recipient],
  signal,
});
const sealedKb = peakKb();
let plainBytes = 0;
const plain = openObject(createReadStream(path), { identity, expected: facts, signal });
for await (const chunk of plain) plainBytes += (chunk as Buffer).length;
const openedKb = peakKb();
process.stdout.write(`${JSON.stringify({ sealedKb, openedKb, plainBytes, bytes: facts.bytes })}\n`);
