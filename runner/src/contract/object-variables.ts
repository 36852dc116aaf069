import type { Variable } from "./variable.ts";

/** How the objects of a backup are encrypted and opened. */
export const OBJECT_VARIABLES = {
  BACKUP_RECIPIENTS: {
    meaning:
      "public keys of age (age1...), separated by commas, 16 at most: backups are encrypted to each, so that each one's secret key opens them. Two are advised: one whose secret key the restore has, and one whose secret key lies offline.",
  },
  BACKUP_IDENTITY: {
    meaning:
      "secret key of age (AGE-SECRET-KEY-1...) that opens backups: for restore and drill, never for jobs that only write.",
    isSecret: true,
  },
  BACKUP_IDENTITY_FILE: {
    meaning:
      "file with that key instead, as age-keygen writes it; 64 KiB at most. Keys of earlier times stand on further lines.",
  },
  BACKUP_SPOOL: {
    meaning:
      "folder for encrypted objects until they are stored; it must exist and hold the largest object. Default: the folder of the system for temporary files.",
  },
} as const satisfies Readonly<Record<string, Variable>>;
