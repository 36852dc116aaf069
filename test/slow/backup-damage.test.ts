import { expect, test } from "vitest";
import { COPY_COLUMNS } from "../../runner/src/db/copy-lines.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { useBackups } from "../support/backup/runs.ts";
import { expectExit, iso, MINUTE } from "../support/candle/series.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";
import { runRunner } from "../support/runner.ts";
import { useWorld } from "../support/world.ts";

/**
 * Each kind of damage by hand, then a delta, a daily backup and another delta, with syncs between them: what restores beside
 * the live table is what the exchange said. Rows that are copied back from there are sound again.
 */

const END = Date.parse("2024-05-10T12:00:00Z");
const SINCE = END - 1_500 * MINUTE;
const LEAF = leafAt("1m", END);
const TABLE = `r3a.${LEAF.name}`;
const SYMBOLS = ["BTCUSDT", "ETHUSDT"];
const server = useQuietServer();
const world = useWorld({ clock: { fixedMs: END + 30_000 } }, server);
const backups = useBackups(server);
let minutes = 0;

/** With the candles of another minute. */
async function syncMore(): Promise<void> {
  minutes += 1;
  world.exchange.set({ clock: { fixedMs: END + minutes * MINUTE + 30_000 } });
  const args = `sync 1m --symbols ${SYMBOLS}`;
  expectExit(await world.run(args, { FALLBACK_START: iso(SINCE) }), 0);
}
const at = (minute: number) => `"timestamp" = '${iso(SINCE + minute * MINUTE)}'`;
const of = (symbol: string) => `coin_id = (select id from r3a.coin where symbol = '${symbol}')`;

/** The number of candles that become suspect. */
const DAMAGES: readonly (readonly [name: string, damage: string, suspects: number])[] = [
  ["a row changed by hand", `update ${TABLE} set volume = 1 where ${of("BTCUSDT")} and ${at(5)}`, 1],
  [
    "times ten on three rows",
    `update ${TABLE} set open = open * 10, close = close * 10 where ${of("ETHUSDT")} and (${at(7)} or ${at(8)} or ${at(900)})`,
    3,
  ],
  [
    "a coin's day deleted",
    `delete from ${TABLE} where ${of("BTCUSDT")} and "timestamp" >= '${iso(SINCE)}' and "timestamp" < '${iso(SINCE + 1_440 * MINUTE)}'`,
    1_440,
  ],
  [
    "one row deleted and another inserted",
    `with gone as (delete from ${TABLE} where ${of("ETHUSDT")} and ${at(300)} returning *)
     insert into ${TABLE} select coin_id, "interval", '${iso(SINCE - MINUTE)}', open, high, low, close, volume from gone`,
    1,
  ],
  [
    "a row changed under a savepoint",
    `do $$ begin begin update ${TABLE} set trades = 0 where ${of("BTCUSDT")} and ${at(20)}; exception when others then raise; end; end $$`,
    1,
  ],
];

/** The session ends, so the server counts the change at once: a delta looks at a leaf of a past month only then. */
const change = (statements: string) => withSession(server.url, (client) => client.query(statements));

/** But for the row that the fourth damage puts before all others: a row in an empty slot is what a sync stores too. */
async function expectTruth(): Promise<void> {
  for (const symbol of SYMBOLS) {
    const stored = (await world.stored(symbol, "1m")).filter(([open]) => open >= SINCE);
    expect(stored).toEqual(world.truth(symbol, "1m", SINCE, END + minutes * MINUTE));
  }
}

test("every damage by hand restores as the exchange said it, and what is copied back is sound", async () => {
  await syncMore();
  await backups.run("daily");
  for (const [index, [name, damage, suspects]] of DAMAGES.entries()) {
    await expectTruth();
    await change(damage);
    const open: number[] = [];
    for (const kind of ["delta", "daily", "delta"] as const) {
      open.push((await backups.run(kind)).open);
      await syncMore();
    }
    await backups.run("delta");
    expect([name, ...open]).toEqual([name, suspects, suspects, suspects]);

    const schema = `beside_${index}`;
    const settings = { BACKUP_HOT: `file://${backups.folder}/hot`, BACKUP_IDENTITY: backups.identity };
    const args = ["restore", "--to-schema", schema, "--leaf", LEAF.name, "--compare"];
    expectExit(await runRunner(args, { ...world.env(), ...settings }), 1);
    const beside = `select ${COPY_COLUMNS} from ${schema}.${LEAF.name}`;
    await change(`truncate ${TABLE}; insert into ${TABLE} (${COPY_COLUMNS}) ${beside}`);
    // the rows of the restored table are now the live ones, and the exchange judges them
    await expectTruth();
    expect([name, (await backups.run("daily")).open]).toEqual([name, 0]);
    await server.query(`drop schema ${schema} cascade`);
  }
}, 300_000);
