import { renderTime } from "../time.ts";
import {
  listOf,
  objectOf,
  oneOf,
  orNull,
  type Read,
  text,
  timeText,
  WrongValue,
  whole,
} from "./bounded-json.ts";
import { LARGEST_COIN_ID, LEAF_KEY, leafOfName, readInterval, readLeafName } from "./leaf-record.ts";
import {
  MANIFEST_KEY,
  MANIFEST_VERSION,
  type Manifest,
  type ManifestDelta,
  type ManifestLeaf,
  type ManifestName,
  type ManifestSuspect,
  parseManifestKey,
  type TableObject,
  type Watermark,
} from "./manifest.ts";
import { parseNamedText, TextFault } from "./named-text.ts";
import { named, OBJECT_REF, type ObjectRef, readObjectRef, SHA256 } from "./object-ref.ts";

/** 600 coins, with room for every market that the exchange ever had. */
const MOST_COINS = 50_000;
/** 108 leaves for six years; a hundred years have fewer than this. */
const MOST_LEAVES = 5_000;
/** Five leaves a delta, 96 deltas a day, and a suspect part that keeps those of a year. */
const MOST_DELTAS = 200_000;
const MOST_SUSPECTS = 1_000_000;
const MOST_TABLES = 100;

/**
 * The manifest that was stored under this key. Throws a TextFault where the text was cut or changed or cannot be right,
 * a SettingsFault (exit 78) where a later release wrote it.
 */
export function parseManifest(key: string, content: string): Manifest {
  const name = parseManifestKey(key);
  if (name === null) throw new TextFault(`${key} is no name of a manifest`);
  const value = parseNamedText(key, name.sha256, content, MANIFEST_VERSION);
  try {
    const manifest = readManifest(value, "");
    checkWhole(manifest, name);
    return manifest;
  } catch (error) {
    if (!(error instanceof WrongValue)) throw error;
    throw new TextFault(`${key} cannot be right: ${error.message}`, { cause: error });
  }
}

const backupId = whole(1);

const readLeaf = objectOf<ManifestLeaf>({
  name: readLeafName,
  parent: text(30),
  from: timeText,
  to: timeText,
  key: text(120, LEAF_KEY),
  sha256: text(64, SHA256),
  bytes: whole(1),
  parts: whole(0, MOST_COINS * 2),
  rows: whole(0),
});

const readDelta = named(
  objectOf<ManifestDelta>({
    ...OBJECT_REF,
    leaf: readLeafName,
    backup: backupId,
    from: timeText,
    to: timeText,
  }),
);

const readTableObject = named(
  objectOf<TableObject>({ ...OBJECT_REF, mode: oneOf("whole", "rows", "series"), backup: backupId }),
);

const readTable = objectOf<Manifest["tables"][number]>({
  name: text(63),
  columns: listOf(text(63), 100),
  objects: listOf(readTableObject, MOST_DELTAS),
});

const readSuspect = objectOf<ManifestSuspect>({
  leaf: readLeafName,
  coinId: whole(1, LARGEST_COIN_ID),
  interval: readInterval,
  at: orNull(timeText),
  kind: oneOf("changed", "vanished", "content"),
  since: timeText,
});

const readWatermark = objectOf<Watermark>({
  coinId: whole(1, LARGEST_COIN_ID),
  interval: readInterval,
  coveredFrom: timeText,
  coveredTo: timeText,
  lastTs: timeText,
});

const readManifest: Read<Manifest> = objectOf<Manifest>({
  version: oneOf(MANIFEST_VERSION),
  form: oneOf(1),
  kind: oneOf("daily", "delta"),
  madeAt: timeText,
  snapshotAt: timeText,
  backup: backupId,
  runId: text(60),
  r3aVersion: text(60),
  migrations: listOf(text(200), 10_000),
  server: objectOf<Manifest["server"]>({
    version: whole(90_000, 9_999_999),
    systemIdentifier: text(20, /^\d{1,20}$/),
    timeline: whole(1, 2 ** 32),
  }),
  hash: objectOf<Manifest["hash"]>({
    algorithm: oneOf("hashtextextended-sum64"),
    form: oneOf(1),
    serverVersion: whole(90_000, 9_999_999),
  }),
  previous: orNull(
    objectOf<{ key: string; sha256: string }>({ key: text(130, MANIFEST_KEY), sha256: text(64, SHA256) }),
  ),
  coins: listOf(
    objectOf<Manifest["coins"][number]>({ id: whole(1, LARGEST_COIN_ID), symbol: text(100) }),
    MOST_COINS,
  ),
  leaves: listOf(readLeaf, MOST_LEAVES),
  deltas: listOf(readDelta, MOST_DELTAS),
  tables: listOf(readTable, MOST_TABLES),
  schema: readObjectRef,
  suspects: listOf(readSuspect, MOST_SUSPECTS),
  beside: listOf(
    named(objectOf<ObjectRef & { leaf: string }>({ ...OBJECT_REF, leaf: readLeafName })),
    MOST_DELTAS,
  ),
  watermarks: listOf(readWatermark, MOST_COINS * 5),
});

function checkWhole(manifest: Manifest, { madeAt, kind }: ManifestName): void {
  if (manifest.madeAt !== madeAt) throw new WrongValue("madeAt", `must be ${madeAt}, as the name says`);
  if (manifest.kind !== kind) throw new WrongValue("kind", `must be ${kind}, as the name says`);
  const { coins, leaves, deltas } = manifest;
  const ids = new Set(coins.map(({ id }) => id));
  if (ids.size < coins.length || new Set(coins.map(({ symbol }) => symbol)).size < coins.length)
    throw new WrongValue("coins", "must have each id and each symbol once");
  const names = new Set(leaves.map(({ name }) => name));
  if (names.size < leaves.length) throw new WrongValue("leaves", "must have each leaf once");
  for (const [index, leaf] of leaves.entries()) {
    const { parent, span } = leafOfName(leaf.name);
    const isRight =
      leaf.parent === parent && leaf.from === renderTime(span.from) && leaf.to === renderTime(span.to);
    if (!isRight || leaf.key !== `leaves/${leaf.name}-${leaf.sha256}.json`)
      throw new WrongValue(`leaves[${index}]`, "must have the parent, span and key that its name has");
  }
  for (const [index, { leaf, from, to }] of deltas.entries()) {
    if (!names.has(leaf)) throw new WrongValue(`deltas[${index}].leaf`, "must be one of the leaves");
    if (Date.parse(from) > Date.parse(to))
      throw new WrongValue(`deltas[${index}].from`, "must not lie after to");
  }
}
