import { type Database, queryRows } from "../connect.ts";
import type { StoredObject } from "./stored-objects.ts";

const NOTE = `
  insert into r3a.backup_object (key, backup_id, attempt, rows, bytes, sha256, plain_bytes, plain_sha256)
  values ($1, $2, $3, $4, $5, $6, $7, $8)`;

/**
 * Notes an object in a commit of its own, before it is put into the first tier: so the ledger knows whatever a run that was
 * killed left in a tier. That a tier holds it, r3a.backup_copy alone says.
 */
export async function noteObject(db: Database, object: StoredObject): Promise<void> {
  const { key, madeBy, attempt, rows, bytes, sha256, plainBytes, plainSha256 } = object;
  await queryRows(db, NOTE, [key, madeBy, attempt, rows, bytes, sha256, plainBytes, plainSha256]);
}
