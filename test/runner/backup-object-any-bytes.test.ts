import fc from "fast-check";
import { expect, test } from "vitest";
import { ObjectFault } from "../../runner/src/archive/object/fault.ts";
import { passOneFrame } from "../../runner/src/archive/object/frame.ts";
import { newAttempt, objectKey, parseObjectKey } from "../../runner/src/archive/object/key.ts";
import { compress, factsOf, inParts, newKey, open, seal } from "../support/backup/object.ts";
import { temporaryFolder } from "../support/folder.ts";

const spool = temporaryFolder();
const { identity, recipient } = await newKey();
const bytes = fc.uint8Array({ maxLength: 3_000 });
/** Up to 400 kB, so that an object has several parts of age (64 kB) and blocks of zstd (128 kB). */
const long = fc.tuple(bytes, fc.integer({ min: 1, max: 200 })).map(([part, times]) => {
  const random = Buffer.concat(
    Array.from({ length: times }, (_, turn) => Buffer.concat([part, Buffer.from([turn])])),
  );
  return random.subarray(0, 400_000);
});
const partSize = fc.integer({ min: 1, max: 70_000 });

test("any bytes come back, however they arrive", async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(bytes, long), partSize, async (plain, size) => {
      const sealed = await seal(plain, { spool, recipients: [recipient] });
      expect((await open(sealed, identity, Math.max(size, 50))).equals(plain)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

/** One bit flipped, cut, or extended, at any place. */
type Damage = (cipher: Buffer) => Buffer;
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(place, fc.integer({ min: 0, max: 7 })).map(
    ([where, bit]): Damage =>
      (cipher) => {
        const at = Math.floor(where * cipher.length);
        const flipped = Buffer.from(cipher);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
        return flipped;
      },
  ),
  place.map(
    (where): Damage =>
      (cipher) =>
        cipher.subarray(0, Math.floor(where * cipher.length)),
  ),
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map(
    (more): Damage =>
      (cipher) =>
        Buffer.concat([cipher, more]),
  ),
);

test("any flipped, cut or extended byte is refused, by the facts, and by age where the facts are those of the damage", async () => {
  const plain = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * at) % 251));
  const sealed = await seal(plain, { spool, recipients: [recipient] });
  await fc.assert(
    fc.asyncProperty(damage, partSize, async (apply, size) => {
      const cipher = apply(sealed.cipher);
      for (const facts of [sealed.facts, { ...sealed.facts, ...factsOf(cipher) }])
        await expect(open({ cipher, facts }, identity, Math.max(size, 50))).rejects.toBeInstanceOf(
          ObjectFault,
        );
    }),
    { numRuns: 100 },
  );
});

test("of any bytes, only those of exactly one whole frame pass as one", async () => {
  const passes = async (source: Uint8Array, size: number) => {
    const passed: Uint8Array[] = [];
    for await (const chunk of passOneFrame(inParts(source, size))) passed.push(chunk);
    return Buffer.concat(passed);
  };
  await fc.assert(
    fc.asyncProperty(
      long,
      bytes.filter((more) => more.length > 0),
      partSize,
      async (plain, more, size) => {
        const frame = compress(plain);
        expect((await passes(frame, size)).equals(frame)).toBe(true);
        await expect(passes(Buffer.concat([frame, more]), size)).rejects.toThrow("bytes follow");
        await expect(passes(frame.subarray(0, more.length % frame.length), size)).rejects.toThrow("is cut");
        await expect(passes(more, size)).rejects.toBeInstanceOf(ObjectFault);
      },
    ),
    { numRuns: 60 },
  );
});

const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));

test("the key of an object can be read back, and no other text can", () => {
  fc.assert(
    fc.property(hex(64), fc.integer({ min: 8, max: 32 }).chain(hex), (plainSha256, attempt) => {
      const key = objectKey(plainSha256, attempt);
      expect(key).toBe(`objects/${plainSha256.slice(0, 2)}/${plainSha256}-${attempt}.zst.age`);
      expect(parseObjectKey(key)).toEqual({ plainSha256, attempt });
      for (const wrong of [`/${key}`, `${key}\n`, key.toUpperCase(), `${key}.age`, key.replace("/", "/../")])
        expect(parseObjectKey(wrong)).toBeNull();
      const folder = plainSha256.startsWith("0") ? "1" : "0";
      expect(parseObjectKey(key.replace(/\/./, `/${folder}`))).toBeNull();
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => parseObjectKey(text) === null));
  expect(parseObjectKey(`objects/ab/${"a".repeat(1e6)}`)).toBeNull();
  expect(() => objectKey("ab", "12345678")).toThrow("needs a SHA-256");
  expect(() => objectKey("a".repeat(64), "../12345678")).toThrow("needs 8 to 32 digits");
  expect(newAttempt()).toMatch(/^[0-9a-f]{16}$/);
  expect(newAttempt()).not.toBe(newAttempt());
});
