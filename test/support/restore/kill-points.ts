import { ask, COMMIT, give, type KillPoint } from "../kill-wire.ts";

/** Of `restore --to-schema beside`: each run is killed before its first leaf is there, but for the last ones. */
export const BESIDE: readonly KillPoint[] = [
  give("the listing", "after", "list-type=2"),
  ask("its row among the runs", "after", "insert into r3a.run ("),
  ask("the table of the leaf", "after", 'create table "beside"'),
  ask("the rows of the base", "after", 'copy "beside"'),
  ask("the key", "after", "add primary key"),
  ask("the rows of the delta", "after", "copy pg_temp.restored_delta"),
  ask("the delta is merged", "after", "truncate pg_temp.restored_delta"),
  ask("the bounds", "after", "add constraint bounds"),
  ask("the leaf is committed", "before", "add constraint bounds", COMMIT),
  ask("the leaf is committed", "after", "add constraint bounds", COMMIT),
  ask("the second table", "after", 'create table "beside"', COMMIT, 'create table "beside"'),
];

const TAKEN = "delete from r3a_restore.leaf";
/**
 * Of `restore --all`, in the order in which runs come to them: the next one goes on where the one before was killed. The
 * database has two hot leaves and two of old months.
 */
export const WHOLE: readonly KillPoint[] = [
  ask("the lock", "after", "pg_try_advisory_lock"),
  ask("the schema", "after", "create schema r3a;"),
  ask("the rows of the coins", "before", "copy r3a.coin", "copy r3a."),
  ask("what is under way", "after", "create schema r3a_restore"),
  ask("the first transaction is committed", "before", "create schema r3a_restore", COMMIT),
  ask("the first transaction is committed", "after", "create schema r3a_restore", COMMIT),
  ask("its row among the runs", "after", "insert into r3a.run ("),
  ask("the lock of the first leaf", "after", "lock table"),
  ask("the rows of the first leaf", "after", 'copy "r3a"."ohlcv'),
  ask("the parts of the first leaf", "after", "insert into r3a.backup_part"),
  ask("the first leaf is not waited for", "after", TAKEN),
  ask("the first leaf is committed", "before", TAKEN, COMMIT),
  ask("the first leaf is committed", "after", TAKEN, COMMIT),
  ask("the gate", "before", "drop table if exists r3a_restore"),
  ask("the gate", "after", "drop table if exists r3a_restore"),
  ask("the first old leaf is committed", "after", TAKEN, COMMIT),
  ask("the end", "before", "drop schema r3a_restore"),
];
