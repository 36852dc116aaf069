import { ask, COMMIT, give, type KillPoint } from "../kill-wire.ts";

/** Of an object below the prefix r3a: the first mention of a folder is a put. */
const put = (folder: string) => ["PUT /", `/r3a/${folder}/`];
const get = (folder: string) => ["GET /", `/r3a/${folder}/`];
const NOTE = "insert into r3a.backup_object";
const STORED = "set outcome = 'stored'";
const COMPLETE = "set outcome = 'complete'";
const ACCEPTED = "set state = 'accepted'";

/** Each inner list: runs that are killed one after the other, before one that is not. */
export const DAILY: readonly (readonly KillPoint[])[] = [
  [
    ask("its row among the runs", "after", "insert into r3a.run ("),
    ask("the lock of its kind", "after", "pg_try_advisory_lock"),
    ask("its number", "after", "insert into r3a.backup (run_id"),
    ask("the snapshot", "after", "pg_export_snapshot"),
    give("the listing", "after", "list-type=2"),
    ask("the look at the leaf", "before", "set transaction snapshot"),
    ask("the rows", "after", "copy (select coin_id"),
    ask("the note of the first object", "before", NOTE),
    ask("the note of the first object", "after", NOTE),
    give("the first object", "before", ...put("objects")),
  ],
  [
    give("the first object", "after", ...put("objects")),
    give("the first object is read back", "before", ...put("objects"), ...get("objects")),
    ask("the note of the second object", "after", NOTE, NOTE),
    ask("the ledger is begun", "after", STORED),
    ask("the ledger: the parts", "after", STORED, "insert into r3a.backup_part"),
    ask("the ledger: the doubts", "after", STORED, "copy r3a.backup_doubt"),
    ask("the ledger is committed", "before", STORED, COMMIT),
  ],
  [
    ask("the ledger is committed", "after", STORED, COMMIT),
    give("the record of the leaf", "before", ...put("leaves")),
  ],
  [
    give("the record of the leaf", "after", ...put("leaves")),
    give("the manifest of the second tier", "before", ...put("manifests")),
  ],
  [give("the manifest of the second tier", "after", ...put("manifests"))],
  [
    give("the manifest is read back", "after", ...put("manifests"), ...get("manifests")),
    ask("the backup is complete", "before", COMPLETE),
    ask("the backup is complete", "after", COMPLETE),
    ask("the run ends", "after", COMPLETE, "update r3a.run set"),
  ],
];

/** A delta has no bases. */
export const DELTA: readonly (readonly KillPoint[])[] = [
  [
    ask("the snapshot", "after", "pg_export_snapshot"),
    ask("the changed rows", "after", "copy (select coin_id"),
    ask("the note of the first object", "after", NOTE),
    give("the first object", "after", ...put("objects")),
    ask("the ledger: the parts", "after", STORED, "insert into r3a.backup_part"),
    ask("the ledger is committed", "before", STORED, COMMIT),
  ],
  [
    ask("the ledger is committed", "after", STORED, COMMIT),
    give("the manifest of the second tier", "after", ...put("manifests")),
    ask("the backup is complete", "before", COMPLETE),
  ],
];

/** Of `--accept`: what is accepted stays suspect until the ledger is committed. */
export const ACCEPT: readonly (readonly KillPoint[])[] = [
  [
    give("the first object", "after", ...put("objects")),
    ask("the acceptance", "after", ACCEPTED),
    ask("the ledger is committed", "before", ACCEPTED, COMMIT),
    ask("the ledger is committed", "after", ACCEPTED, COMMIT),
  ],
  [give("the manifest of the second tier", "after", ...put("manifests"))],
];

/** Where the server is killed under a daily run. */
export const SERVER: readonly KillPoint[] = [
  ask("the rows", "after", "copy (select coin_id"),
  ask("the note of the first object", "after", NOTE),
  ask("the ledger is committed", "after", STORED, COMMIT),
  give("the manifest of the second tier", "after", ...put("manifests")),
];
