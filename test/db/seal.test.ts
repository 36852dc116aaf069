import { beforeAll, beforeEach, expect, test } from "vitest";
import { openLockSession } from "../../runner/src/db/lock.ts";
import { Stopped } from "../../runner/src/errors.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import type { LeafBackups } from "../../runner/src/seal/seal-work.ts";
import { addMinutes, withRunner } from "../support/backup/parts.ts";
import { useBackups } from "../support/backup/runs.ts";
import { makeSeries } from "../support/candle/made-series.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";
import { createSeal, stateOf } from "../support/seal/seals.ts";

/** Leaves are sealed in a database where nothing else is at work. */

const database = useQuietServer();
const backups = useBackups(database);
const FROM = Date.UTC(2024, 0, 30);
const leaf = leafAt("1m", FROM);
const time = (minute: number) => new Date(FROM + minute * 60_000).toISOString();
const table = `r3a.${leaf.name}`;
const seal = () => createSeal(database, backups);
const state = () => stateOf(database, leaf.name);
const fileOf = async () =>
  (await database.query<{ oid: number }>("select $1::regclass::oid::int as oid", [table]))[0]?.oid;
const isInOrder = `
  select bool_and(before is null or before < key) as yes from (
    select (coin_id, "timestamp") as key, lag((coin_id, "timestamp")) over (order by ctid) as before from ${table}) t`;
/** As our writer does. */
const reopen = (coin: number, minute: number, change: string) =>
  database.query(`do $$ begin
    perform r3a_util.reopen_leaf('${leaf.name}', array[${coin}], array['1m'], array[timestamptz '${time(minute)}'], array[timestamptz '${time(minute + 1)}']);
    ${change};
  end $$`);
const update = `update ${table} set close = close + 1 where coin_id = 1 and "timestamp" = '${time(5)}'`;

beforeAll(async () => {
  const [from, to] = [FROM, leaf.span.to];
  await makeSeries(database.url, [
    { symbol: "AUSDT", interval: "1m", from, to, gaps: [{ from: to - 300_000, to: to - 60_000 }] },
    { symbol: "BUSDT", interval: "1m", from, to },
  ]);
  // a row that lies behind those of the next coin
  await database.query(`update ${table} set close = close where coin_id = 1 and "timestamp" = '${time(9)}'`);
  await database.query("create table public.kept as table r3a.ohlcv_partitioned");
});

beforeEach(async () => {
  await database.query(`truncate r3a.candle_revision, r3a.backup, r3a.backup_object, r3a.backup_copy, r3a.backup_use,
    r3a.backup_part, r3a.backup_leaf, r3a.backup_suspect, r3a.backup_doubt, r3a.backup_gap_series, r3a.leaf_state,
    r3a.leaf_reopening, r3a.recovery_hold`);
  await database.query(`drop trigger if exists r3a_guard on ${table}`);
  await database.query(`drop trigger if exists r3a_guard_truncate on ${table}`);
  await database.query(`truncate ${table}`);
  await database.query("insert into r3a.ohlcv_partitioned select * from public.kept order by ctid");
});

test("a leaf that is over is put in order, guarded, and read back from both tiers; backups go on as if nothing had been", async () => {
  await backups.run("delta", { stores: [backups.hot, backups.warm] });
  const [truth, before] = [await backups.stored(), await fileOf()];
  const { leaves } = await seal()();
  expect(leaves).toEqual([
    {
      ...{ leaf: leaf.name, outcome: "sealed", rows: 5756, isRewritten: true, tiers: ["hot", "warm"] },
      why: "sealed with what is open: AUSDT 1m lacks 4 slots from 2024-01-31T23:55:00Z on (open gaps)",
      pages: { before: expect.any(Number), after: expect.any(Number) },
    },
  ]);
  expect(await fileOf()).not.toBe(before);
  expect(await backups.stored()).toEqual(truth);
  expect(await database.query(isInOrder)).toEqual([{ yes: true }]);
  expect(await state()).toMatchObject({ state: "sealed", isGuarded: true, isSealed: true });
  await expect(database.query(update)).rejects.toMatchObject({ code: "R3A01" });
  expect(await database.query("select leaf from r3a.quarantine")).toEqual([{ leaf: leaf.name }]);
  // the ledger knows the new table: a delta passes it over
  expect(await backups.run("delta")).toMatchObject({ leaves: 0, found: 0, isWhole: false });
  expect(await backups.run("daily")).toMatchObject({ leaves: 1, found: 0 });
  expect(await backups.restored()).toEqual(truth);
  expect(await seal()()).toEqual({ leaves: [], held: null, stop: null });
});

test("a reopened leaf is sealed again as it lies, and rewritten where a fifth of it is new", async () => {
  await seal()();
  const before = await fileOf();
  await reopen(1, 5, update);
  expect(await state()).toMatchObject({ state: "open", isGuarded: true });
  const again = await seal()();
  // nothing explains the change: a row of r3a.candle_revision is missing
  expect(again.leaves).toMatchObject([{ outcome: "refused", why: expect.stringContaining("suspect") }]);
  expect(await state()).toMatchObject({
    state: "open",
    isGuarded: false,
    note: expect.stringContaining("suspect"),
  });

  await database.query(
    `update ${table} set close = close - 1 where coin_id = 1 and "timestamp" = '${time(5)}'`,
  );
  await backups.run("daily", { stores: [backups.hot, backups.warm] });
  await database.query(addMinutes, [3, time(0), 100]);
  expect((await seal()()).leaves).toMatchObject([
    { outcome: "sealed", isRewritten: false, rows: 5856, pages: null, tiers: ["hot", "warm"] },
  ]);
  expect(await fileOf()).toBe(before);
  expect(await state()).toMatchObject({ state: "sealed", isGuarded: true });

  await reopen(
    4,
    0,
    addMinutes
      .replace("$1", "4")
      .replaceAll("$2", `'${time(0)}'`)
      .replace("$3", "2000"),
  );
  expect((await seal()()).leaves).toMatchObject([{ outcome: "sealed", isRewritten: true, rows: 7856 }]);
  expect(await fileOf()).not.toBe(before);
  expect(await database.query(isInOrder)).toEqual([{ yes: true }]);
});

test("a leaf that somebody writes to meanwhile stays open, and the next run seals it", async () => {
  const before = await fileOf();
  const change = (same: LeafBackups): LeafBackups => ({
    ...same,
    async confirm(name, since) {
      const confirmed = await same.confirm(name, since);
      await reopen(
        5,
        0,
        addMinutes
          .replace("$1", "5")
          .replaceAll("$2", `'${time(0)}'`)
          .replace("$3", "1"),
      );
      return confirmed;
    },
  });
  expect((await seal()({ change })).leaves).toMatchObject([{ outcome: "reopened" }]);
  expect(await state()).toMatchObject({ state: "open", isGuarded: false });
  expect(await fileOf()).toBe(before);
  expect(await database.query("select to_regclass($1) as scratch", [`r3a_scratch.${leaf.name}`])).toEqual([
    { scratch: null },
  ]);
  expect((await seal()()).leaves).toMatchObject([{ outcome: "sealed", rows: 5757 }]);
});

test("a run that is stopped in the middle opens the leaf again", async () => {
  const stop = new AbortController();
  const change = (same: LeafBackups): LeafBackups => ({
    ...same,
    async confirm(...args) {
      stop.abort(new Stopped("stopped by SIGTERM", 143));
      return same.confirm(...args);
    },
  });
  const ended = await seal()({ change, signal: stop.signal });
  expect(ended).toMatchObject({ leaves: [], stop: { exitCode: 143 } });
  expect(await state()).toMatchObject({ state: "open", isGuarded: false, note: "stopped by SIGTERM" });
});

test("candles that are neither stored nor in the gap log, before any backup knew them: nothing is sealed", async () => {
  await database.query(`delete from ${table} where coin_id = 2 and "timestamp" = '${time(7)}'`);
  expect((await seal()()).leaves).toMatchObject([
    { outcome: "refused", why: expect.stringContaining("BUSDT 1m (1)") },
  ]);
  expect(await state()).toMatchObject({ state: "open", isGuarded: false, isSealed: false });
});

test("what a killed run left is settled, sealed or not", async () => {
  await database.query("create schema if not exists r3a_scratch");
  await database.query(`create table r3a_scratch.${leaf.name} (left_by text)`);
  await database.query("insert into r3a.leaf_state (leaf, state, token) values ($1, 'sealing', 1)", [
    leaf.name,
  ]);
  const scratch = () => database.query("select from pg_tables where schemaname = 'r3a_scratch'");
  await database.query(
    "insert into r3a.leaf_damage (leaf, detector, detail) values ($1, 'index', 'made by a test')",
    [leaf.name],
  );
  expect((await seal()()).leaves).toMatchObject([
    { outcome: "refused", why: "it is damaged (index): restore --damaged puts it right from the backups" },
  ]);
  expect(await scratch()).toHaveLength(1);
  await database.query("truncate r3a.leaf_damage");
  expect((await seal()({ budgetBytes: 1 })).leaves).toMatchObject([
    { outcome: "left", why: expect.stringContaining("DB_SIZE_BUDGET_GB") },
  ]);
  expect(await state()).toMatchObject({ state: "open", isGuarded: false });
  expect(await scratch()).toEqual([]);
  expect((await seal()()).leaves).toMatchObject([{ outcome: "sealed" }]);
});

test("held by a person, at work elsewhere, or with one tier that answers: nothing is changed", async () => {
  const before = await fileOf();
  await database.query("insert into r3a.recovery_hold (reason) values ('a disk is being changed')");
  expect(await seal()()).toEqual({ leaves: [], held: "a disk is being changed", stop: null });
  await database.query("truncate r3a.recovery_hold");
  await withRunner(database, async (db) => {
    const locks = await openLockSession(db);
    await locks.tryLock("leaf-work", leaf.name);
    expect((await seal()()).leaves).toMatchObject([{ outcome: "busy" }]);
    await locks.tryLock("seal", "global");
    await expect(seal()()).rejects.toThrow("another seal is at work");
    await locks.end();
  });
  const { leaves, stop } = await seal()({ stores: [backups.hot] });
  expect(leaves).toMatchObject([
    { outcome: "failed", why: expect.stringContaining("only 1 of the 2 tiers") },
  ]);
  expect(stop).toBe(null);
  expect(await state()).toMatchObject({ state: "open", isGuarded: false });
  expect(await fileOf()).toBe(before);
});
