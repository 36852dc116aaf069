import type { BackupKind, Manifest } from "../archive/manifest.ts";
import { VERSION } from "../contract/version.ts";
import { COPY_FORM } from "../db/backup/copy-out.ts";
import {
  listStoredLeaves,
  listStoredParts,
  listSuspectParts,
  listSuspects,
  type OpenSuspect,
} from "../db/backup/ledger.ts";
import { listCoinIds, listMigrations, listWatermarks } from "../db/backup/manifest-rows.ts";
import type { Snapshot } from "../db/backup/snapshot.ts";
import {
  findObjects,
  listBeside,
  listNeededDeltas,
  listTableObjects,
  listUsesOf,
  type PlacedObject,
  type UsedObject,
} from "../db/backup/stored-objects.ts";
import type { OwnClient } from "../db/session.ts";
import { renderTime } from "../time.ts";
import { type DeltaObject, type RecordedLeaf, recordLeaf, refOf, renderDeltas } from "./build-manifest.ts";
import { divideLost, type LostPart } from "./lost-parts.ts";
import type { Publication } from "./publish.ts";

/** A manifest has at most 16 MiB; a person reads the first of them, and the ledger has all. */
const MOST_SUSPECTS = 20_000;

export type PublicationRequest = {
  readonly snapshot: Snapshot;
  readonly kind: BackupKind;
  readonly runId: string;
  /** Whether no tier of the run has the object. */
  readonly isLost: (key: string) => boolean;
};

/** `lost`: the parts that the manifest leaves out, since nobody has what restores them. */
export type ReadPublication = Pick<Publication, "manifest" | "objects" | "copies" | "records"> & {
  readonly lost: readonly LostPart[];
};

/**
 * All that the manifest of a backup says, from the ledger as it is committed: with it a later backup that ended before this
 * one is in this manifest too, so the newest manifest of a tier never says less than an older one.
 */
export async function readPublication(
  client: OwnClient,
  { snapshot: { backup, facts }, kind, runId, isLost }: PublicationRequest,
): Promise<ReadPublication> {
  const deltas = Map.groupBy((await listNeededDeltas(client, null)).map(toDelta), ({ leaf }) => leaf);
  const leaves: RecordedLeaf[] = [];
  const lost: LostPart[] = [];
  const inDoubt = Map.groupBy(await listSuspectParts(client), ({ leaf }) => leaf);
  const placed: PlacedObject[] = [...[...deltas.values()].flat()];
  for (const name of await listStoredLeaves(client)) {
    const losses = { isLost, suspects: inDoubt.get(name) ?? [] };
    const divided = divideLost(await listStoredParts(client, { name }), deltas.get(name) ?? [], losses);
    lost.push(...divided.lost.map(({ coinId, interval }) => ({ leaf: name, coinId, interval })));
    const parts = divided.kept;
    const keys = new Set(parts.flatMap(({ base }) => (base === null ? [] : [base.key])));
    const bases = await findObjects(client, [...keys]);
    const objects = new Map(bases.map((base) => [base.key, base]));
    const { serverVersion } = facts;
    const leaf = recordLeaf({ name, parts, objects, deltas: deltas.get(name) ?? [], serverVersion });
    if (leaf === null) continue;
    leaves.push(leaf);
    placed.push(...bases);
  }
  const tables = await listTableObjects(client);
  const schema = (await listUsesOf(client, backup)).find((use) => use.kind === "schema");
  const suspects = await listSuspects(client, { leaf: null, most: MOST_SUSPECTS });
  // no restore needs them: where all are gone, the suspects alone are named
  const beside = distinct(await listBeside(client)).filter(({ key }) => !isLost(key));
  placed.push(...tables, ...beside, ...(schema === undefined ? [] : [schema]));
  const manifest: Publication["manifest"] = {
    ...{
      version: 1,
      form: COPY_FORM,
      kind,
      snapshotAt: renderTime(facts.takenAt),
      backup,
      runId,
      r3aVersion: VERSION,
    },
    migrations: await listMigrations(client),
    server: {
      version: facts.serverVersion,
      systemIdentifier: facts.systemIdentifier,
      timeline: facts.timeline,
    },
    hash: { algorithm: "hashtextextended-sum64", form: 1, serverVersion: facts.serverVersion },
    coins: await listCoinIds(client),
    leaves: leaves.map(({ entry }) => entry),
    deltas: renderDeltas(leaves),
    tables: renderTables(tables),
    schema: refOf(schema, "the schema of this backup"),
    suspects: suspects.map(renderSuspect),
    beside: beside.flatMap((use) => (use.leaf === null ? [] : [{ ...refOf(use, use.key), leaf: use.leaf }])),
    watermarks: (await listWatermarks(client)).map(
      ({ coinId, interval, coveredFrom, coveredTo, lastTs }) => ({
        ...{ coinId, interval, coveredFrom: renderTime(coveredFrom), coveredTo: renderTime(coveredTo) },
        lastTs: renderTime(lastTs),
      }),
    ),
  };
  const named = new Set([
    ...leaves.flatMap((leaf) => [...leaf.bases, ...leaf.deltas].map(({ key }) => key)),
    ...[...tables, ...beside, ...(schema === undefined ? [] : [schema])].map(({ key }) => key),
  ]);
  const needed = new Map(placed.filter(({ key }) => named.has(key)).map((object) => [object.key, object]));
  return {
    ...{ manifest, lost },
    objects: [...needed.values()],
    copies: new Map([...needed].map(([key, { tiers }]) => [key, tiers])),
    records: new Map(leaves.map(({ entry, text }) => [entry.key, text])),
  };
}

function toDelta(use: UsedObject): DeltaObject & PlacedObject {
  if (use.leaf === null || use.first === null || use.last === null)
    throw new Error(`${use.key} is a delta of no leaf or of no time; look who changed r3a.backup_use`);
  return { ...use, leaf: use.leaf, first: use.first, last: use.last };
}

/** A daily run that puts beside again what was lost can write the text of an earlier one. */
function distinct(uses: readonly UsedObject[]): readonly UsedObject[] {
  return [...new Map(uses.map((use) => [`${use.leaf} ${use.key}`, use])).values()];
}

function renderTables(objects: readonly UsedObject[]): Manifest["tables"] {
  return [...Map.groupBy(objects, ({ table }) => table ?? "")].map(([name, uses]) => ({
    name,
    columns: uses.at(-1)?.columns ?? [],
    objects: uses.map((use) => ({ ...refOf(use, use.key), mode: use.mode ?? "whole", backup: use.backup })),
  }));
}

function renderSuspect({
  leaf,
  coinId,
  interval,
  at,
  kind,
  foundAt,
}: OpenSuspect): Manifest["suspects"][number] {
  return {
    leaf,
    coinId,
    interval,
    at: at === null ? null : renderTime(at),
    kind,
    since: renderTime(foundAt),
  };
}
