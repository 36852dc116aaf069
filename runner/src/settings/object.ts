import { statSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseIdentity, readIdentityFile } from "../archive/object/identity.ts";
import { parseRecipients } from "../archive/object/recipients.ts";
import { parseSpool } from "../backup/spool.ts";
import type { Rows } from "./row.ts";

export type ObjectSettings = {
  /** Public keys of age. */
  readonly backupRecipients: readonly string[];
  /** Secret keys of age, a line each: for `openObject` and nothing else. */
  readonly backupIdentity: string;
  readonly backupSpool: string;
};

export const OBJECT_ROWS: Rows<ObjectSettings> = {
  backupRecipients: { name: "BACKUP_RECIPIENTS", parse: parseRecipients },
  backupIdentity: {
    name: "BACKUP_IDENTITY",
    parse: parseIdentity,
    other: { name: "BACKUP_IDENTITY_FILE", parse: readIdentityFile },
  },
  backupSpool: { name: "BACKUP_SPOOL", parse: parseSpool, absent: tmpdir() },
};

/** Permission of a file: everybody reads it. */
const READ_BY_OTHERS = 0o004;

/** Whether every user of the machine can read the file of the identity; the command that reads it warns of that. */
export function isOpenToOthers(identityFile: string): boolean {
  const found = statSync(identityFile, { throwIfNoEntry: false });
  return found !== undefined && (found.mode & READ_BY_OTHERS) !== 0;
}
