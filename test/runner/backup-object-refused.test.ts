import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ObjectFault } from "../../runner/src/archive/object/fault.ts";
import { openObject } from "../../runner/src/archive/object/open.ts";
import {
  compress,
  factsOf,
  inParts,
  NEVER,
  newKey,
  open,
  type Sealed,
  seal,
  sealByHand,
} from "../support/backup/object.ts";
import { temporaryFolder } from "../support/folder.ts";

const spool = temporaryFolder();
const [online, offline, stranger] = await Promise.all([newKey(), newKey(), newKey()]);
const small = Buffer.from(Array.from({ length: 200 }, (_, row) => `1\t1m\t${row}.5\t${row * 7}\n`).join(""));
const good = await seal(small, { spool, recipients: [online.recipient, offline.recipient] });

describe("an object is refused with a sentence of its own", () => {
  const faultOf = async (sealed: Sealed, identity = online.identity) => {
    const messages: string[] = [];
    for (const size of [1, 7, 1_000, 1_000_000]) {
      const error: unknown = await open(sealed, identity, size).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ObjectFault);
      messages.push((error as ObjectFault).message);
    }
    // however the bytes arrive
    expect(new Set(messages).size).toBe(1);
    return messages[0];
  };
  const stored = (cipher: Buffer): Sealed => ({ cipher, facts: good.facts });

  test("where it is empty, cut, extended or has a flipped bit", async () => {
    const { cipher } = good;
    const bytes = cipher.length;
    expect(await faultOf(stored(Buffer.alloc(0)))).toBe(`the object is empty instead of ${bytes} bytes long`);
    expect(await faultOf(stored(cipher.subarray(0, 300)))).toBe(
      `the object ends after 300 of ${bytes} bytes`,
    );
    expect(await faultOf(stored(Buffer.concat([cipher, Buffer.from("x")])))).toBe(
      `the object has more than its ${bytes} bytes`,
    );
    const flipped = Buffer.from(cipher);
    flipped[bytes - 20] = (flipped[bytes - 20] ?? 0) ^ 1;
    expect(await faultOf(stored(flipped))).toMatch(
      /^the object has the right length and other bytes: SHA-256 \w{64} instead of \w{64}$/,
    );
  });

  test("where it is another object of the same length", async () => {
    const other = await seal(small, { spool, recipients: [online.recipient, offline.recipient] });
    expect(await faultOf(stored(other.cipher))).toMatch(/^the object has the right length and other bytes/);
  });

  test("where the identity is none of its keys: the public keys of the identity are named, the secret is not", async () => {
    const fault = await faultOf(good, stranger.identity);
    expect(fault).toBe(`the object is encrypted to other keys than the identity's (${stranger.recipient})`);
  });

  test("where its facts are true, and age cannot open it", async () => {
    const trueOf = (cipher: Buffer): Sealed => ({ cipher, facts: { ...good.facts, ...factsOf(cipher) } });
    expect(await faultOf(trueOf(Buffer.alloc(0)))).toBe("the object ends within its age header");
    expect(await faultOf(trueOf(small))).toBe("the object is no age file");
    expect(await faultOf(trueOf(good.cipher.subarray(0, 100)))).toBe("the object ends within its age header");
    expect(await faultOf(trueOf(good.cipher.subarray(0, -1)))).toMatch(
      /^age cannot open the object, its last part is damaged, or what followed it is cut off: /,
    );
    const endless = Buffer.from(`age-encryption.org/v1\n${"-> a b\n\n".repeat(2_000)}`);
    expect(await faultOf(trueOf(endless))).toBe(
      "the age header of the object does not end within 8192 bytes",
    );
  });

  test("where what it holds is not exactly one zstd frame", async () => {
    const holding = (content: Buffer) => sealByHand(content, small, online.recipient);
    const frame = compress(small);
    expect(await faultOf(await holding(small))).toBe("what the object holds is no zstd frame");
    expect(await faultOf(await holding(Buffer.alloc(0)))).toBe("the zstd frame of the object is cut");
    expect(await faultOf(await holding(frame.subarray(0, -1)))).toBe("the zstd frame of the object is cut");
    for (const behind of [frame, Buffer.from("x"), Buffer.from("502a4d180400000001020304", "hex")])
      expect(await faultOf(await holding(Buffer.concat([frame, behind])))).toBe(
        "bytes follow the zstd frame of the object",
      );
    const unknownBlock = Buffer.from(frame);
    // 28 b5 2f fd, the descriptor, two bytes of size (one segment), then the first block
    unknownBlock.fill(0xff, 7, 10);
    expect(await faultOf(await holding(unknownBlock))).toBe(
      "the zstd frame of the object is damaged: it has a block of no known kind",
    );
    const unsound = Buffer.from(frame);
    unsound[20] = (unsound[20] ?? 0) ^ 0xff;
    expect(await faultOf(await holding(unsound))).toMatch(/^zstd cannot read what the object holds: /);
  });

  test("where its content is longer, shorter or another one than expected", async () => {
    const bytes = small.length;
    const holding = (content: Buffer) => sealByHand(compress(content), small, online.recipient);
    expect(await faultOf(await holding(Buffer.concat([small, small])))).toBe(
      `the content of the object has more than its ${bytes} bytes`,
    );
    expect(await faultOf(await holding(small.subarray(1)))).toBe(
      `the content of the object ends after ${bytes - 1} of ${bytes} bytes`,
    );
    expect(await faultOf(await holding(Buffer.alloc(bytes, "x")))).toMatch(
      /^the content of the object has the right length and other bytes/,
    );
  });

  test("where it asks for a window of more than 8 MB of memory", async () => {
    const wide = await sealByHand(
      compress(randomBytes(20_000_000), 27),
      Buffer.alloc(20_000_000),
      online.recipient,
    );
    expect(await open(wide, online.identity).catch(String)).toMatch(/zstd cannot read .*too much memory/);
  });
});

test("of a decompression bomb, no more than the expected bytes pass", async () => {
  const bomb = await sealByHand(compress(Buffer.alloc(300_000_000)), Buffer.alloc(100_000), online.recipient);
  expect(bomb.facts.bytes).toBeLessThan(50_000);
  let passed = 0;
  const plain = openObject(inParts(bomb.cipher, 1_000), {
    identity: online.identity,
    expected: bomb.facts,
    signal: NEVER,
  });
  const reading = async () => {
    for await (const chunk of plain) passed += chunk.length;
  };
  await expect(reading()).rejects.toThrow("the content of the object has more than its 100000 bytes");
  expect(passed).toBeLessThanOrEqual(100_000);
});
