import { createHash } from "node:crypto";
import { addHashes, type PartRows } from "../../runner/src/archive/part.ts";
import { hasSlot, indexOf, slotsOfTimes } from "../../runner/src/archive/slots.ts";
import { type Evidence, type Judgement, judgePart, NO_ROWS } from "../../runner/src/backup/judge.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";

const RANGE = { interval: "1m", span: leafAt("1m", Date.UTC(2024, 0)).span } as const;
/** The open time of a minute of January 2024. */
export const minute = (index: number) => RANGE.span.from + index * 60_000;

/** A candle with a price that every candle has, and a volume that the old layout did not have. */
type Row = { readonly price: number; readonly extra: number | null };
type Revision = { readonly oldHash: bigint; readonly oldValueHash: bigint | null };
type Written = { readonly isKnown: boolean; readonly revision: Revision | null };

const hashOf = (...parts: readonly unknown[]) =>
  createHash("sha256").update(JSON.stringify(parts)).digest().readBigUInt64BE();

/** A part of a table in memory, whose backups are judged as those of the candle table are. */
export function createPart(count: number, extra: number | null = 7) {
  const rows = new Map<number, Row>();
  /** What was written since the last backup. */
  const written = new Map<number, Written>();
  let believed: PartRows | null = null;
  /** What a restore gives back, row by row. */
  const restored = new Map<number, Row>();
  let open: number[] = [];
  let isContentOpen = false;

  const rowHash = (at: number, row: Row) => hashOf(at, row.price, row.extra);
  const valueHash = (at: number, row: Row) => hashOf(at, row.price);
  const stateOf = (of: ReadonlyMap<number, Row>): PartRows => {
    const times = [...of.keys()];
    const withNull = [...of].filter(([, row]) => row.extra === null);
    return {
      rows: of.size,
      hash: [...of].reduce((sum, [at, row]) => addHashes(sum, rowHash(at, row)), 0n),
      first: times.length === 0 ? null : Math.min(...times),
      last: times.length === 0 ? null : Math.max(...times),
      slots: slotsOfTimes(RANGE, times),
      nullRows: withNull.length,
      nullHash: withNull.reduce((sum, [at, row]) => addHashes(sum, valueHash(at, row)), 0n),
    };
  };

  const write = (index: number, row: Partial<Row>, isRevised = false) => {
    const at = minute(index);
    const old = rows.get(at);
    const revisionOf = (before: Row): Revision => ({
      oldHash: rowHash(at, before),
      oldValueHash: before.extra === null ? valueHash(at, before) : null,
    });
    const revision = isRevised && old !== undefined ? (written.get(at)?.revision ?? revisionOf(old)) : null;
    rows.set(at, { price: 100, extra, ...old, ...row });
    written.set(at, { isKnown: false, revision });
  };
  for (let index = 0; index < count; index += 1) write(index, {});

  return {
    /** Writes a candle: a new one, or over an old one by no command of R3A. */
    write,
    /** Writes a candle as sync does: with a revision. */
    revise: (index: number, row: Partial<Row>) => write(index, row, true),
    remove: (index: number) => {
      rows.delete(minute(index));
      written.delete(minute(index));
    },
    /** A change that the server does not know of: a disk that lies. */
    corrupt: (index: number, price: number) => {
      rows.set(minute(index), { extra, ...rows.get(minute(index)), price });
    },
    /** Shows a row to the next backup once more, as the doubts of a snapshot do. */
    showAgain: (index: number) => written.set(minute(index), { isKnown: true, revision: null }),
    /** Judges the part, and takes over what the judgement says. `isWhole`: without the numbers of transactions. */
    backUp(isWhole = false): Judgement {
      const isOld = (at: number) => believed !== null && hasSlot(believed.slots, indexOf(RANGE, at));
      const added = new Map([...rows].filter(([at]) => !isOld(at) && (isWhole || written.has(at))));
      const again: Evidence["again"] = [...written].flatMap(([at, { isKnown, revision }]) => {
        const row = rows.get(at);
        if (row === undefined || !isOld(at) || (isWhole && revision === null)) return [];
        const hashes = { hash: rowHash(at, row), valueHash: valueHash(at, row) };
        const old = revision ?? { oldHash: null, oldValueHash: null };
        return [
          { at, isKnown, isRevised: revision !== null, ...old, hasNull: row.extra === null, ...hashes },
        ];
      });
      const judgement = judgePart({
        range: RANGE,
        believed,
        now: stateOf(rows),
        added: added.size === 0 ? null : stateOf(added),
        again,
        unlisted: null,
        open: [...open.map((at) => ({ at })), ...(isContentOpen ? [{ at: null }] : [])],
      });
      for (const at of [...added.keys(), ...judgement.adopted])
        restored.set(at, rows.get(at) ?? { price: 0, extra });
      if (judgement.isSound) open = [];
      isContentOpen &&= !judgement.isSound;
      isContentOpen ||= judgement.suspects.some(({ at }) => at === null);
      open.push(...judgement.suspects.flatMap(({ at }) => (at === null ? [] : [at])));
      believed = judgement.believed;
      written.clear();
      return judgement;
    },
    /** The prices that a restore gives back, by minute. */
    restoredPrices: () => new Map([...restored].map(([at, { price }]) => [(at - minute(0)) / 60_000, price])),
    restored: () => new Map(restored),
    stored: () => new Map(rows),
    /** Whether the believed state is that of the rows which a restore gives back. */
    isConsistent: () => {
      const state = stateOf(restored);
      const own = believed ?? NO_ROWS;
      return (
        own.rows === state.rows && own.hash === state.hash && Buffer.compare(own.slots, state.slots) === 0
      );
    },
  };
}
