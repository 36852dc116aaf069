import { ask, COMMIT, type KillPoint } from "../kill-wire.ts";

const TAKEN = "insert into r3a.leaf_state as s";
const STORED = "set outcome = 'stored'";
const FILLED = "pg_stat_force_next_flush";
const QUARANTINED = "insert into r3a.quarantine";
const ATTACH = "attach partition";

/** Where the server ends under `seal`. */
export const SEAL_ON_SERVER: readonly KillPoint[] = [
  ask("the leaf is taken", "before", TAKEN, COMMIT),
  ask("the leaf is taken", "after", TAKEN, COMMIT),
  ask("the rows", "after", "copy (select coin_id"),
  ask("the ledger is committed", "after", STORED, COMMIT),
  ask("the rows in order are committed", "after", FILLED),
  ask("the freezing", "before", "vacuum (freeze, analyze)"),
  ask("the swap", "after", QUARANTINED, ATTACH),
  ask("the swap is committed", "before", QUARANTINED, ATTACH, COMMIT),
  ask("the swap is committed", "after", QUARANTINED, ATTACH, COMMIT),
  ask("the look is committed", "before", QUARANTINED, "insert into r3a.backup_leaf", COMMIT),
];

/** Where the server ends under `restore --damaged`. */
export const MEND_ON_SERVER: readonly KillPoint[] = [
  ask("the rows of the base", "after", 'copy "r3a_scratch"'),
  ask("the scratch table is filled", "after", 'copy "r3a_scratch"', COMMIT),
  ask("the leaf is taken", "before", TAKEN, COMMIT),
  ask("the leaf is taken", "after", TAKEN, COMMIT),
  ask("the search of the old table", "after", "create temp table mend_lacking"),
  ask("the rows of the old table", "after", "pg_temp.mend_found where is_sound", COMMIT),
  ask(
    "the spans that jobs wrote",
    "after",
    "delete from r3a.leaf_reopening where leaf = $1 returning",
    COMMIT,
  ),
  ask("the gaps", "after", QUARANTINED, "r3a.ohlcv_gap_log k"),
  ask("the swap", "after", QUARANTINED, ATTACH),
  ask("the swap is committed", "before", QUARANTINED, ATTACH, COMMIT),
  ask("the swap is committed", "after", QUARANTINED, ATTACH, COMMIT),
];
