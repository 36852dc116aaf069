import { leafOfName } from "../archive/leaf-record.ts";
import type { BackupKind } from "../archive/manifest.ts";
import type { LeafPart } from "../db/backup/backup-leaf.ts";
import { isUntouched } from "../db/backup/leaf-counters.ts";
import {
  findLastStored,
  listLooks,
  listStoredLeaves,
  listStoredParts,
  listSuspects,
  type OpenSuspect,
  type Suspect,
} from "../db/backup/ledger.ts";
import { isReplaced } from "../db/backup/replaced.ts";
import type { RowKey } from "../db/backup/row-keys.ts";
import type { Snapshot } from "../db/backup/snapshot.ts";
import { listBeside, listTableObjects } from "../db/backup/stored-objects.ts";
import type { LedgerWrite } from "../db/backup/write-ledger.ts";
import { isSealed } from "../partition/sealed.ts";
import type { Progress } from "../progress.ts";
import { askLeaf } from "./ask-leaf.ts";
import { type ExportedLeaf, exportLeaf } from "./export-leaf.ts";
import { exportTables } from "./export-tables.ts";
import { horizonOf } from "./horizon.ts";
import { toLeafWrite, toUse } from "./leaf-write.ts";
import { listLostParts, type TierContent } from "./lost-parts.ts";
import type { ObjectWriter } from "./object-writer.ts";

/** Parts of a leaf whose state a person accepts as it is; `coinId` null: of every coin. `reason`: one sentence. */
export type Accepted = { readonly leaf: string; readonly coinId: number | null; readonly reason: string };

type Tools = {
  readonly snapshot: Snapshot;
  readonly writer: ObjectWriter;
  readonly progress: Progress;
  readonly runId: string;
  readonly content: TierContent;
};

/** `leaves`: the number of those that were looked at; `objects`: of the new ones. */
export type Exported = { readonly write: LedgerWrite; readonly leaves: number; readonly objects: number };

/** Open suspects of one run that are known by their time; beyond these a part is judged by its content all the same. */
export const MOST_SUSPECTS = 1_000_000;

/** Writes everything that changed since the last backup into objects, and says what the ledger gets. Writes nothing there. */
export async function exportAll(
  { snapshot, writer, progress, runId, content }: Tools,
  { kind, accept }: { readonly kind: BackupKind; readonly accept: Accepted | null },
): Promise<Exported> {
  const { client, counters, facts, beside } = snapshot;
  const { isLost } = content;
  const isDaily = kind === "daily";
  const [looks, suspects] = [
    await listLooks(client),
    await listSuspects(client, { leaf: null, most: MOST_SUSPECTS }),
  ];
  const stored = new Set(await listStoredLeaves(client));
  const byLeaf = Map.groupBy(suspects, ({ leaf }) => leaf);
  const names = [...counters.keys()].toSorted();
  // the server counts a transaction up to 10 s late: where candles come all the time, the count is no reason to look away
  const isOpen = (name: string) => !isSealed(leafOfName(name).span, facts.takenAt);
  const isTouched = (name: string) => !isUntouched(looks.get(name)?.counter, counters.get(name));
  const due = names.filter((name) => isDaily || isOpen(name) || byLeaf.has(name) || isTouched(name));
  const besideLost = isDaily ? (await listBeside(client)).filter(({ key }) => isLost(key)) : [];
  const unseen = new Set(besideLost.map((use) => use.leaf));
  progress.start(due.length + 1);
  const done: ExportedLeaf[] = [];
  for (const name of due) {
    const open = byLeaf.get(name) ?? [];
    const look = looks.get(name)?.backup;
    const { parts, question: asked } = await askLeaf(snapshot, { name, open, look, isLost });
    const accepted = accept?.leaf === name ? listAccepted(open, accept) : [];
    const gone = isDaily ? await listLostParts(client, content, { name, parts, open }) : [];
    const question = { ...asked, isDaily, accepted, lost: gone };
    const besideAgain = unseen.has(name) ? open.flatMap(toRowKey) : [];
    const exported = await beside(async (other) =>
      // the rows of a table that came since are not those of the snapshot, which may show none of them
      (await isReplaced(other, question.leaf))
        ? null
        : exportLeaf({ client: other, writer }, { ...question, besideAgain }),
    );
    if (exported !== null) done.push(exported);
    progress.advance(1);
  }
  const lost = await listLost(snapshot, { stored, names, byLeaf });
  const previous = {
    delta: await findLastStored(client, "delta"),
    daily: await findLastStored(client, "daily"),
  };
  const newest = [previous.delta, previous.daily]
    .filter((each) => each !== null)
    .toSorted((a, b) => b.id - a.id)[0];
  const horizons = { delta: horizonOf(newest, facts), daily: horizonOf(previous.daily ?? undefined, facts) };
  const tableObjects = await listTableObjects(client);
  const lostTables = new Set(tableObjects.filter(({ key }) => isLost(key)).map(({ table }) => table));
  const tables = await beside((other) =>
    exportTables({ client: other, writer }, { horizons, isDaily, lost: lostTables }),
  );
  progress.advance(1);
  const placed = [...done.flatMap(({ objects }) => objects), ...tables.used.map(({ object }) => object)];
  const distinct = [...new Map(placed.map((object) => [object.key, object])).values()];
  const fresh = placed.filter(({ isNew }) => isNew);
  const acceptedIds =
    accept === null ? [] : (byLeaf.get(accept.leaf) ?? []).filter((suspect) => isAccepted(suspect, accept));
  const write: LedgerWrite = {
    isWhole: done.some(({ isWhole }) => isWhole),
    rows: fresh.reduce((sum, { rows }) => sum + rows, 0),
    bytes: fresh.reduce((sum, { bytes }) => sum + bytes, 0),
    copies: distinct.flatMap(({ key, read }) => read.map((tier) => ({ key, tier, verifiedAt: Date.now() }))),
    uses: [...done.flatMap(({ objects }) => objects.flatMap(toUse)), ...tables.used.map(({ use }) => use)],
    gapSeries: tables.gapSeries,
    found: [...done.flatMap((leaf) => leaf.suspects), ...lost],
    gone: done
      .flatMap(({ leaf, sound }) => listGone(byLeaf.get(leaf.name) ?? [], sound))
      .filter((id) => !acceptedIds.some((each) => each.id === id)),
    accepted: accept === null ? null : { ids: acceptedIds.map(({ id }) => id), reason: accept.reason, runId },
    *leaves() {
      for (const leaf of done) yield* toLeafWrite(leaf, snapshot);
    },
  };
  return { write, leaves: done.length, objects: fresh.length };
}

function isAccepted({ coinId }: LeafPart, accept: Accepted): boolean {
  return accept.coinId === null || accept.coinId === coinId;
}

function listAccepted(open: readonly OpenSuspect[], accept: Accepted): readonly LeafPart[] {
  return open.filter((suspect) => isAccepted(suspect, accept));
}

function listGone(open: readonly OpenSuspect[], sound: readonly LeafPart[]): readonly number[] {
  const parts = new Set(sound.map(({ coinId, interval }) => `${coinId}:${interval}`));
  return open.flatMap(({ id, coinId, interval }) => (parts.has(`${coinId}:${interval}`) ? [id] : []));
}

/** Leaves that the ledger has and the database has not: all of their candles vanished. */
async function listLost(
  { client }: Snapshot,
  {
    stored,
    names,
    byLeaf,
  }: {
    readonly stored: ReadonlySet<string>;
    readonly names: readonly string[];
    readonly byLeaf: ReadonlyMap<string, readonly OpenSuspect[]>;
  },
): Promise<readonly Suspect[]> {
  const lost: Suspect[] = [];
  for (const leaf of stored) {
    if (names.includes(leaf) || byLeaf.has(leaf)) continue;
    const parts = (await listStoredParts(client, { name: leaf })).filter(({ rows }) => rows > 0);
    lost.push(
      ...parts.map(({ coinId, interval }) => ({
        leaf,
        coinId,
        interval,
        at: null,
        kind: "vanished" as const,
        hash: null,
      })),
    );
  }
  return lost;
}

/** Of a suspect row that may be in the table. */
function toRowKey({ coinId, interval, at, kind }: OpenSuspect): readonly RowKey[] {
  return at === null || kind !== "changed" ? [] : [{ coinId, interval, at }];
}
