import { beforeEach, expect, test } from "vitest";
import { leafAt } from "../../runner/src/partition/layout.ts";
import type { Store } from "../../runner/src/store/store.ts";
import { addMinutes, makeLeaf } from "../support/backup/parts.ts";
import { newestManifest } from "../support/backup/restored.ts";
import { useBackups } from "../support/backup/runs.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";

const database = useQuietServer();
const backups = useBackups(database);
const open = leafAt("1m", Date.now());
const add = (minute: number) =>
  database.query(addMinutes, [1, new Date(open.span.from + minute * 60_000).toISOString(), 10]);

beforeEach(async () => {
  await makeLeaf(database, "1m", new Date(open.span.from).toISOString());
  await database.query(
    "insert into r3a.coin (symbol, base, quote, status) values ('AUSDT', 'A', 'USDT', 'TRADING') on conflict do nothing",
  );
  await add(0);
});

type Asked = { readonly prefix: string; readonly after: string | undefined };

/** The tier hot with a note of each listing; `between` works when the first listing is at its end. */
function watched(between: () => Promise<unknown>): { readonly store: Store; readonly asked: Asked[] } {
  const { hot } = backups;
  const asked: Asked[] = [];
  const store: Store = {
    ...hot,
    async *list(prefix, signal, after) {
      asked.push({ prefix, after });
      yield* hot.list(prefix, signal, after);
      if (asked.length === 1) await between();
    },
  };
  return { store, asked };
}

test("a delta lists its tier once, and knows what a daily run put there meanwhile", async () => {
  await backups.run("delta");
  const before = await newestManifest(backups.hot);
  await add(10);
  const { store, asked } = watched(async () => {
    await add(20);
    await backups.run("daily");
  });
  const delta = await backups.run("delta", { stores: [store] });

  expect(delta.tiers).toMatchObject([{ tier: "hot", fault: null }]);
  expect(asked).toMatchObject([
    { prefix: "", after: undefined },
    { prefix: "manifests/", after: expect.stringContaining(before.madeAt.slice(0, 4)) },
  ]);
  const newest = await newestManifest(backups.hot);
  expect(newest).toMatchObject({ kind: "delta", backup: delta.backup });
  expect(newest.previous?.key).toContain("-daily-");
  expect(await backups.restored()).toEqual(await backups.stored());
});
