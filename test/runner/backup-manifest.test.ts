import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LeafRecord, parseLeafRecord, renderLeafRecord } from "../../runner/src/archive/leaf-record.ts";
import { type Manifest, parseManifestKey, renderManifest } from "../../runner/src/archive/manifest.ts";
import { TextFault } from "../../runner/src/archive/named-text.ts";
import { parseManifest } from "../../runner/src/archive/parse-manifest.ts";
import { encodeSlots } from "../../runner/src/archive/slots.ts";
import { exitCodeOf } from "../../runner/src/errors.ts";
import { renderTime } from "../../runner/src/time.ts";
import { leafRecord, manifest, objectRef, partRecord } from "../support/backup-manifest.ts";

const second = fc.integer({ min: Date.UTC(2020, 0) / 1000, max: Date.UTC(2099, 0) / 1000 });
const anyManifest = fc
  .record({
    kind: fc.constantFrom("daily" as const, "delta" as const),
    at: second,
    backup: fc.integer({ min: 1, max: 2 ** 40 }),
    symbols: fc.uniqueArray(fc.stringMatching(/^[A-Z0-9\u4e00-\u4eff]{2,20}$/), { maxLength: 20 }),
    contents: fc.array(fc.string(), { maxLength: 5 }),
  })
  .map(({ kind, at, backup, symbols, contents }) => {
    const coins = symbols.map((symbol, index) => ({ id: index + 1, symbol }));
    const day = { from: "2024-01-01T00:00:00Z", to: "2024-01-02T00:00:00Z" };
    const deltas = contents.map((each) => ({ ...objectRef(each), leaf: "ohlcv_1m_2024_01", backup, ...day }));
    return manifest({ kind, madeAt: renderTime(at * 1000), backup, coins, deltas });
  });

describe("a manifest", () => {
  test("is read as it was written", () => {
    fc.assert(
      fc.property(anyManifest, (written) => {
        const { key, text } = renderManifest(written);
        expect(parseManifest(key, text)).toEqual(written);
        expect(parseManifestKey(key)).toMatchObject({ madeAt: written.madeAt, kind: written.kind });
      }),
    );
  });

  test("is refused wherever one character of it changed, and wherever it was cut", () => {
    const { key, text } = renderManifest(manifest());
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom("0", "x", " "), (at, letter) => {
        fc.pre(text[at] !== letter);
        const changed = `${text.slice(0, at)}${letter}${text.slice(at + 1)}`;
        expect(() => parseManifest(key, changed)).toThrow(TextFault);
        expect(() => parseManifest(key, text.slice(0, at))).toThrow("was cut or changed");
      }),
    );
  });

  test("of a later release has a fault of its own, exit 78", () => {
    const newer = renderManifest({ ...manifest(), version: 2 } as unknown as Manifest);
    const read = () => parseManifest(newer.key, newer.text);
    expect(read).toThrow(/has version 2, and this program knows versions up to 1: run the release/);
    expect(exitCodeOf(thrownBy(read))).toBe(78);
  });

  test("may have fields that this release does not know", () => {
    const { key, text } = renderManifest({ ...manifest(), more: { later: true } } as Manifest);
    expect(parseManifest(key, text)).toEqual(manifest());
  });

  test.each<[string, object, RegExp]>([
    ["another kind", { kind: "weekly" }, /no key can be made|kind/],
    ["an id below 1", { backup: 0 }, /backup must be a whole number from 1/],
    ["an id beyond the whole numbers", { backup: 2 ** 60 }, /backup must be a whole number/],
    ["a text for a number", { backup: "7" }, /backup must be a whole number from 1 to \d+, not "7"/],
    ["no list of coins", { coins: {} }, /coins must be a list, not an object/],
    [
      "one id twice",
      {
        coins: [
          { id: 1, symbol: "A" },
          { id: 1, symbol: "B" },
        ],
      },
      /each id and each symbol once/,
    ],
    [
      "a control character",
      { coins: [{ id: 1, symbol: "A\u001b[2J" }] },
      /coins\[0\]\.symbol must be a text/,
    ],
    ["a month of 13", { snapshotAt: "2024-13-01T00:00:00Z" }, /snapshotAt/],
    [
      "an object outside of its folder",
      { schema: { ...objectRef("s"), key: "../../etc/passwd" } },
      /schema\.key/,
    ],
    [
      "an object of another plain text",
      { schema: { ...objectRef("s"), key: objectRef("t").key } },
      /schema\.key must be made of/,
    ],
    ["a delta of no leaf", { deltas: [deltaOf("ohlcv_1m_2024_02")] }, /deltas\[0\]\.leaf must be one of/],
    [
      "a leaf that the layout has not",
      { leaves: [{ ...leaf(), name: "ohlcv_1m_2024_13" }] },
      /leaves\[0\]\.name/,
    ],
    [
      "a leaf with another span",
      { leaves: [{ ...leaf(), to: "2024-03-01T00:00:00Z" }] },
      /leaves\[0\] must have/,
    ],
    [
      "a leaf record of another leaf",
      { leaves: [{ ...leaf(), key: leaf().key.replace("_01-", "_02-") }] },
      /leaves\[0\]/,
    ],
    ["too many migrations", { migrations: Array(10_001).fill("m") }, /migrations has 10001 entries/],
  ])("with %s is refused", (_, changed, words) => {
    const read = () => {
      const { key, text } = renderManifest({ ...manifest(), ...changed } as Manifest);
      return parseManifest(key, text);
    };
    expect(read).toThrow(words);
  });

  test("under the name of another time or kind is refused", () => {
    const { key, text } = renderManifest(manifest());
    expect(() => parseManifest(key.replace("t0200", "t0300"), text)).toThrow("madeAt must be");
    expect(() => parseManifest(key.replace("daily", "delta"), text)).toThrow("kind must be delta");
    expect(parseManifestKey(key.replace("20240201", "20240231"))).toBeNull();
  });
});

describe("a leaf record", () => {
  test("is read as it was written", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 2 ** 31 - 1 }), { maxLength: 30 }), (ids) => {
        const written = leafRecord({ parts: ids.map((id, index) => partRecord(1 + index * 97, id)) });
        const { key, text } = renderLeafRecord(written);
        expect(parseLeafRecord(key, text)).toEqual(written);
      }),
    );
  });

  const slots = (...bytes: number[]) => encodeSlots(Uint8Array.from(bytes));
  test.each<[string, Partial<LeafRecord> | { part: object }, RegExp]>([
    ["a base that it has not", { part: { base: 1 } }, /base must be below 1/],
    ["a base of no backup", { part: { baseBackup: null } }, /baseBackup must be null where base is/],
    ["a hash of 2^64", { part: { hash: "18446744073709551616" } }, /hash must be below 2\^64/],
    ["a negative hash", { part: { hash: "-1" } }, /hash must be a text of the form/],
    ["more slots than rows", { part: { slots: slots(0b1111) } }, /has 4 slots for 3 rows/],
    ["no slots", { part: { slots: slots() } }, /has 0 slots/],
    ["another first slot", { part: { slots: slots(0b110) } }, /must begin with the slot of first/],
    ["another last slot", { part: { slots: slots(0b11) } }, /must end with the slot of last/],
    ["a time of another leaf", { part: { last: "2024-02-01T00:00:00Z" } }, /must lie in the leaf/],
    ["an interval of another leaf", { part: { interval: "1h" } }, /does not belong into ohlcv_1m_2024_01/],
    ["a part twice", { parts: [partRecord(), partRecord()] }, /stands there twice/],
    ["no rows", { part: { rows: 0 } }, /rows must be a whole number from 1/],
  ])("with %s is refused", (_, changed, words) => {
    const parts = "part" in changed ? { parts: [{ ...partRecord(), ...changed.part }] } : changed;
    const { key, text } = renderLeafRecord(leafRecord(parts));
    expect(() => parseLeafRecord(key, text)).toThrow(words);
  });

  test("that was cut, changed, swapped with another or is newer is refused", () => {
    const { key, text } = renderLeafRecord(leafRecord());
    expect(() => parseLeafRecord(key, text.slice(0, -2))).toThrow("was cut or changed");
    expect(() => parseLeafRecord(key, renderLeafRecord(leafRecord({ parts: [] })).text)).toThrow(
      "was cut or",
    );
    expect(() => parseLeafRecord(key.replace("2024_01", "2024_02"), text)).toThrow(
      "leaf must be ohlcv_1m_2024_02",
    );
    const newer = renderLeafRecord({ ...leafRecord(), version: 2 } as unknown as LeafRecord);
    expect(exitCodeOf(thrownBy(() => parseLeafRecord(newer.key, newer.text)))).toBe(78);
  });
});

function deltaOf(name: string): object {
  const day = { from: "2024-01-01T00:00:00Z", to: "2024-01-02T00:00:00Z" };
  return { ...objectRef("d"), leaf: name, backup: 7, ...day };
}

function leaf() {
  const [only] = manifest().leaves;
  if (only === undefined) throw new Error("a manifest with a leaf");
  return only;
}

function thrownBy(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return error;
  }
}
