import { createHash } from "node:crypto";
import type { LeafRecord, PartRecord } from "../../runner/src/archive/leaf-record.ts";
import { renderLeafRecord } from "../../runner/src/archive/leaf-record.ts";
import type { Manifest } from "../../runner/src/archive/manifest.ts";
import type { ObjectRef } from "../../runner/src/archive/object-ref.ts";
import { encodeSlots, slotsOfTimes } from "../../runner/src/archive/slots.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { renderTime } from "../../runner/src/time.ts";

const hex = (text: string) => createHash("sha256").update(text).digest("hex");

/** An object of that content, as a manifest names it. */
export function objectRef(content: string, rows = 1): ObjectRef {
  const plainSha256 = hex(content);
  return {
    key: `objects/${plainSha256.slice(0, 2)}/${plainSha256}-0123456789abcdef.zst.age`,
    bytes: 100 + content.length,
    sha256: hex(`sealed ${content}`),
    plainBytes: content.length,
    plainSha256,
    rows,
  };
}

const LEAF = leafAt("1m", Date.UTC(2024, 0));
const MINUTE = 60_000;

/** Coin 1 with candles in the first `rows` minutes of January 2024, all in the base. */
export function partRecord(rows = 3, coinId = 1): PartRecord {
  const times = Array.from({ length: rows }, (_, index) => LEAF.span.from + index * MINUTE);
  return {
    coinId,
    interval: "1m",
    rows,
    hash: "18446744073709551615",
    slots: encodeSlots(slotsOfTimes({ span: LEAF.span, interval: "1m" }, times)),
    first: renderTime(LEAF.span.from),
    last: renderTime(LEAF.span.from + (rows - 1) * MINUTE),
    base: 0,
    baseBackup: 7,
  };
}

export function leafRecord(changed: Partial<LeafRecord> = {}): LeafRecord {
  return { version: 1, leaf: LEAF.name, bases: [objectRef("base", 3)], parts: [partRecord()], ...changed };
}

/** A manifest of one coin in one leaf that `parseManifest` takes. */
export function manifest(changed: Partial<Manifest> = {}): Manifest {
  const { key, text } = renderLeafRecord(leafRecord());
  return {
    version: 1,
    form: 1,
    kind: "daily",
    madeAt: "2024-02-01T02:00:07Z",
    snapshotAt: "2024-02-01T02:00:00.123Z",
    backup: 7,
    runId: "0190b5d2-0000-7000-8000-000000000000",
    r3aVersion: "0.1.0",
    migrations: ["000001_advisory_locks"],
    server: { version: 180004, systemIdentifier: "7480000000000000001", timeline: 1 },
    hash: { algorithm: "hashtextextended-sum64", form: 1, serverVersion: 180004 },
    previous: null,
    coins: [{ id: 1, symbol: "BTCUSDT" }],
    leaves: [
      {
        name: LEAF.name,
        parent: LEAF.parent,
        from: renderTime(LEAF.span.from),
        to: renderTime(LEAF.span.to),
        key,
        sha256: hex(text),
        bytes: Buffer.byteLength(text),
        parts: 1,
        rows: 3,
      },
    ],
    deltas: [],
    tables: [
      { name: "coin", columns: ["id"], objects: [{ ...objectRef("coin"), mode: "whole", backup: 7 }] },
    ],
    schema: objectRef("schema"),
    suspects: [],
    beside: [],
    watermarks: [],
    ...changed,
  };
}
