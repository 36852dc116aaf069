import { beforeAll, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import type { Store } from "../../runner/src/store/store.ts";
import { addMinutes, makeLeaf } from "../support/backup/parts.ts";
import { useBackups } from "../support/backup/runs.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";

/** A leaf gets another table while a backup is under way, whose snapshot shows no row of that table. */

const database = useQuietServer();
const backups = useBackups(database);
const leaf = leafAt("1m", Date.UTC(2024, 1));
const [from, to] = [new Date(leaf.span.from).toISOString(), new Date(leaf.span.to).toISOString()];

beforeAll(async () => {
  await makeLeaf(database, "1m", from);
  await database.query(addMinutes, [1, from, 300]);
});

async function swap(): Promise<void> {
  await database.query("create schema if not exists aside");
  await database.query(`create table aside.next (like r3a.${leaf.name} including all)`);
  await database.query(`insert into aside.next select * from r3a.${leaf.name}`);
  await database.query(`alter table r3a.${leaf.parent} detach partition r3a.${leaf.name}`);
  await database.query(`alter table r3a.${leaf.name} set schema aside`);
  await database.query(`alter table aside.next rename to ${leaf.name}_new`);
  await database.query(`alter table aside.${leaf.name}_new set schema r3a`);
  await database.query(`alter table r3a.${leaf.name}_new rename to ${leaf.name}`);
  await database.query(
    `alter table r3a.${leaf.parent} attach partition r3a.${leaf.name} for values from ('${from}') to ('${to}')`,
  );
}

/** Swaps when the tier is first listed: then the snapshot is taken, and the leaf is not read yet. */
function swapping(store: Store): Store {
  let isDone = false;
  return {
    ...store,
    async *list(...args) {
      if (!isDone) await swap();
      isDone = true;
      yield* store.list(...args);
    },
  };
}

test("no candle of it is taken for one that vanished, and the next backup looks at the new table", async () => {
  await backups.run("daily");
  const truth = await backups.stored();
  const stores = [swapping(backups.hot)];
  expect(await backups.run("daily", { stores })).toMatchObject({ leaves: 0, found: 0, open: 0 });
  expect(await backups.restored()).toEqual(truth);
  expect(await backups.run("delta")).toMatchObject({ leaves: 1, found: 0, open: 0 });
  expect(await backups.restored()).toEqual(truth);
});
