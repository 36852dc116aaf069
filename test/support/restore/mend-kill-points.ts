import { ask, COMMIT, give, type KillPoint } from "../kill-wire.ts";

const SCRATCH = 'create table "r3a_scratch"';
const TAKEN = "create or replace trigger r3a_guard";
const BOUNDS = "add constraint";
const SWAP = "in access exclusive mode";

/** Of `restore --damaged` with one leaf, in the order in which a run comes to them. */
export const MEND: readonly KillPoint[] = [
  ask("its row among the runs", "after", "insert into r3a.run ("),
  ask("its lock", "after", "pg_try_advisory_lock"),
  give("the listing", "after", "list-type=2"),
  ask("the scratch table", "before", SCRATCH),
  ask("the scratch table is committed", "after", SCRATCH, COMMIT),
  ask("the rows of the base", "after", 'copy "r3a_scratch"'),
  ask("the key", "after", 'copy "r3a_scratch"', "add primary key"),
  ask("the rows of the delta", "after", "copy pg_temp.restored_delta"),
  ask("the scratch table is filled", "before", 'copy "r3a_scratch"', COMMIT),
  ask("the scratch table is filled", "after", 'copy "r3a_scratch"', COMMIT),
  ask("the guard", "after", TAKEN),
  ask("the leaf is taken", "before", TAKEN, COMMIT),
  ask("the leaf is taken", "after", TAKEN, COMMIT),
  ask("the revisions", "after", TAKEN, "r3a.candle_revision r"),
  ask("the search of the old table", "after", "create temp table mend_lacking"),
  ask("the rows of the old table", "before", "pg_temp.mend_found where is_sound", COMMIT),
  ask("the rows of the old table", "after", "pg_temp.mend_found where is_sound", COMMIT),
  ask("the bounds of the scratch table", "after", TAKEN, BOUNDS),
  ask("the statistics of the scratch table", "after", BOUNDS, "analyze"),
  ask("the old table is noted", "after", "insert into r3a.quarantine"),
  ask("the gaps", "after", "insert into r3a.quarantine", "r3a.ohlcv_gap_log k"),
  ask("the list partition is locked", "after", "insert into r3a.quarantine", SWAP),
  ask("the leaf is locked", "after", "insert into r3a.quarantine", SWAP, SWAP),
  ask("the old table is detached", "after", "insert into r3a.quarantine", "detach partition"),
  ask("the new table is attached", "after", "insert into r3a.quarantine", "attach partition"),
  ask("the swap is committed", "before", "attach partition", COMMIT),
  ask("the swap is committed", "after", "attach partition", COMMIT),
  ask("the run is closed", "before", "attach partition", COMMIT, "update r3a.run"),
];
