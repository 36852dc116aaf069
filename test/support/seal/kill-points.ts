import { ask, COMMIT, give, type KillPoint } from "../kill-wire.ts";

/** Of an object below the prefix r3a: the first mention of a folder is a put. */
const put = ["PUT /", "/r3a/objects/"];
const get = ["GET /", "/r3a/objects/"];
const TAKEN = "insert into r3a.leaf_state";
const NUMBER = "insert into r3a.backup (run_id";
const NOTE = "insert into r3a.backup_object";
const STORED = "set outcome = 'stored'";
const SCRATCH = 'create table "r3a_scratch"';
const FILL = 'insert into "r3a_scratch"';
const FREEZE = 'vacuum (freeze, analyze) "r3a_scratch"';
const BUILT = 'analyze "r3a_scratch"';
const QUARANTINED = "insert into r3a.quarantine";
const ATTACH = "attach partition";
const SEALED = "update r3a.leaf_state";

/** Each inner list: runs of `seal` that are killed one after the other, before one that is not. */
export const SEAL: readonly (readonly KillPoint[])[] = [
  [
    ask("its row among the runs", "after", "insert into r3a.run ("),
    give("the listing", "after", "list-type=2"),
    ask("the state", "before", TAKEN),
    ask("the guard", "after", TAKEN, "create or replace trigger"),
    ask("the leaf is taken", "before", TAKEN, COMMIT),
    ask("the leaf is taken", "after", TAKEN, COMMIT),
    ask("the number of its backup", "after", NUMBER),
    ask("the snapshot", "after", "pg_export_snapshot"),
    ask("the rows", "after", "copy (select coin_id"),
    ask("the note of the object", "before", NOTE),
    ask("the note of the object", "after", NOTE),
    give("the object", "before", ...put),
  ],
  [
    give("the object", "after", ...put),
    ask("the ledger is begun", "after", STORED),
    ask("the ledger: the parts", "after", STORED, "insert into r3a.backup_part"),
    ask("the ledger is committed", "before", STORED, COMMIT),
    ask("the ledger is committed", "after", STORED, COMMIT),
    ask("the end of the backup", "before", "set finished_at = now() where id"),
  ],
  [give("the object is read back", "before", ...put, ...get)],
  [
    ask("the scratch table", "before", SCRATCH),
    ask("the scratch table", "after", SCRATCH),
    ask("the scratch table is committed", "after", SCRATCH, COMMIT),
    ask("its rows", "before", FILL),
    ask("its rows", "after", FILL),
    ask("its rows are committed", "after", FILL, "pg_stat_force_next_flush"),
    ask("its rows are frozen", "before", FREEZE),
    ask("its rows are frozen", "after", FREEZE),
    ask("its indexes", "after", FREEZE, "add constraint bounds"),
    ask("its indexes are built", "after", FREEZE, BUILT),
  ],
  [
    ask("the swap: the state", "after", BUILT, "for update"),
    ask("the swap: the quarantine", "after", QUARANTINED),
    ask("the swap: the guard", "after", QUARANTINED, "create or replace trigger"),
    ask("the swap: the locks", "after", QUARANTINED, "in access exclusive mode"),
    ask("the swap", "before", QUARANTINED, ATTACH),
    ask("the swap", "after", QUARANTINED, ATTACH),
    ask("the swap: sealed", "after", QUARANTINED, SEALED),
    ask("the swap is committed", "before", QUARANTINED, SEALED, COMMIT),
  ],
  [ask("the swap is committed", "after", QUARANTINED, SEALED, COMMIT)],
  [ask("the look: the number", "after", QUARANTINED, NUMBER)],
  [ask("the look is committed", "before", QUARANTINED, NUMBER, "insert into r3a.backup_leaf", COMMIT)],
  [ask("the look is committed", "after", QUARANTINED, NUMBER, "insert into r3a.backup_leaf", COMMIT)],
  [ask("the run ends", "after", QUARANTINED, "update r3a.run set")],
];

/** What a run meets that is quick enough for each run of the tests: one of each kind of trace that a killed run leaves. */
export const SOME_OF_SEAL: readonly (readonly KillPoint[])[] = [
  [
    ask("the leaf is taken", "after", TAKEN, COMMIT),
    give("the object", "after", ...put),
    ask("its rows are committed", "after", FILL, "pg_stat_force_next_flush"),
    ask("the swap", "after", QUARANTINED, ATTACH),
  ],
  [ask("the swap is committed", "after", QUARANTINED, SEALED, COMMIT)],
];
