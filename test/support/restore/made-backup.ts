import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import { type PartRecord, renderLeafRecord } from "../../../runner/src/archive/leaf-record.ts";
import { type Manifest, renderManifest } from "../../../runner/src/archive/manifest.ts";
import { newAttempt, objectKey } from "../../../runner/src/archive/object/key.ts";
import type { ObjectRef } from "../../../runner/src/archive/object-ref.ts";
import { encodeSlots } from "../../../runner/src/archive/slots.ts";
import { openDatabase } from "../../../runner/src/db/connect.ts";
import { COPY_COLUMNS } from "../../../runner/src/db/copy-lines.ts";
import { own } from "../../../runner/src/db/session.ts";
import type { Leaf } from "../../../runner/src/partition/layout.ts";
import { readFoundParts } from "../../../runner/src/restore/check-leaf.ts";
import { renderTime } from "../../../runner/src/time.ts";
import { NEVER, seal } from "../backup/object.ts";
import { manifest as someManifest } from "../backup-manifest.ts";
import type { UsedDatabase } from "../database/database.ts";

/** Where the tiers are, as folders; the parts of a sealing. */
export type BackupPlace = {
  readonly database: UsedDatabase;
  readonly folders: readonly string[];
  readonly spool: string;
  readonly recipients: readonly string[];
};

/** What a made backup is: of which leaf, when, which coins share a base (all together where left out). */
export type Made = {
  readonly leaf: Leaf;
  readonly madeAt: string;
  readonly groups?: readonly (readonly number[])[];
};

type Stored = { readonly manifest: Manifest; readonly key: string };

/**
 * Backups of one leaf as the runner writes them, made of the rows that the database has at that moment, without judging
 * these: a daily one, then deltas with the rows of a condition.
 */
export function createMadeBackups(place: BackupPlace) {
  const { database, folders } = place;
  let bases: readonly {
    readonly object: ObjectRef;
    readonly coins: readonly number[];
    readonly backup: number;
  }[] = [];
  let deltas: Manifest["deltas"] = [];
  let number = 0;
  return {
    async daily({ leaf, madeAt, groups }: Made): Promise<Stored> {
      const coins = await listCoins(database);
      bases = [];
      deltas = [];
      for (const ids of groups ?? [coins.map(({ id }) => id)]) {
        const object = await putRows(place, leaf, `coin_id = any ('{${ids.join(",")}}')`);
        bases = [...bases, { object, coins: ids, backup: number + 1 }];
      }
      return put({ leaf, madeAt }, "daily");
    },
    async delta({ leaf, madeAt }: Made, condition: string): Promise<Stored> {
      const object = await putRows(place, leaf, condition);
      const [from, to] = [renderTime(leaf.span.from), renderTime(leaf.span.to)];
      deltas = [...deltas, { ...object, leaf: leaf.name, backup: number + 1, from, to }];
      return put({ leaf, madeAt }, "delta");
    },
  };

  async function put({ leaf, madeAt }: Made, kind: Manifest["kind"]): Promise<Stored> {
    number += 1;
    const parts = await recordParts(database, leaf, bases);
    const record = renderLeafRecord({
      version: 1,
      leaf: leaf.name,
      bases: bases.map(({ object }) => object),
      parts,
    });
    const manifest = someManifest({
      ...{ kind, madeAt, snapshotAt: madeAt, backup: number, coins: await listCoins(database), deltas },
      leaves: [
        {
          ...{ name: leaf.name, parent: leaf.parent, key: record.key },
          from: renderTime(leaf.span.from),
          to: renderTime(leaf.span.to),
          sha256: record.key.slice(-69, -5),
          bytes: Buffer.byteLength(record.text),
          parts: parts.length,
          rows: parts.reduce((sum, { rows }) => sum + rows, 0),
        },
      ],
      hash: { algorithm: "hashtextextended-sum64", form: 1, serverVersion: await serverVersion(database) },
      schema: await putText(place, `create schema r3a;\ncreate table r3a.${leaf.name} ();\n`),
      suspects: [],
      watermarks: [],
    });
    const { key, text } = renderManifest(manifest);
    await putFile(folders, record.key, record.text);
    await putFile(folders, key, text);
    return { manifest, key };
  }
}

/** Seals the rows of a leaf for which the condition holds, and puts them into every tier. */
async function putRows(place: BackupPlace, leaf: Leaf, condition: string): Promise<ObjectRef> {
  const plain = await copyOut(place.database.url, leaf, condition);
  return { ...(await putSealed(place, plain)), rows: plain.toString("latin1").split("\n").length - 1 };
}

async function putText(place: BackupPlace, text: string): Promise<ObjectRef> {
  return { ...(await putSealed(place, Buffer.from(text))), rows: 0 };
}

async function putSealed(place: BackupPlace, plain: Buffer) {
  const { cipher, facts } = await seal(plain, place);
  const key = objectKey(facts.plainSha256, newAttempt());
  await putFile(place.folders, key, cipher);
  return { key, ...facts };
}

export async function putFile(
  folders: readonly string[],
  key: string,
  content: string | Uint8Array,
): Promise<void> {
  for (const folder of folders) {
    const path = join(folder, key);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
}

async function copyOut(url: string, leaf: Leaf, condition: string): Promise<Buffer> {
  const client = new pg.Client({ connectionString: url, options: "-c TimeZone=UTC -c DateStyle=ISO" });
  await client.connect();
  try {
    const text = `copy (select ${COPY_COLUMNS} from r3a.${leaf.name} where ${condition} order by coin_id, "interval", "timestamp") to stdout`;
    return await buffer(client.query(copyTo(text)));
  } finally {
    await client.end();
  }
}

async function recordParts(
  { url }: UsedDatabase,
  leaf: Leaf,
  bases: readonly { readonly coins: readonly number[]; readonly backup: number }[],
): Promise<readonly PartRecord[]> {
  const db = openDatabase(url, "made backup");
  try {
    const found = await own(db, NEVER, (client) => readFoundParts(client, { schema: "r3a", ...leaf }));
    return found.map(({ coinId, interval, rows, hash, slots, first, last }) => {
      const base = bases.findIndex(({ coins }) => coins.includes(coinId));
      return {
        ...{ coinId, interval, rows, hash: String(hash), slots: encodeSlots(slots) },
        ...{ first: renderTime(first), last: renderTime(last), base: base === -1 ? null : base },
        baseBackup: bases[base]?.backup ?? null,
      };
    });
  } finally {
    await db.pool.end();
  }
}

const listCoins = (database: UsedDatabase) =>
  database.query<{ id: number; symbol: string }>("select id, symbol from r3a.coin order by id");

async function serverVersion(database: UsedDatabase): Promise<number> {
  const [row] = await database.query<{ version: number }>(
    "select current_setting('server_version_num')::int as version",
  );
  return row?.version ?? 0;
}
