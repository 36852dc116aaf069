import type pg from "pg";
import { fillSixYears } from "../dev/fixtures/six-years.ts";
import { withClient } from "../dev/postgres/with-client.ts";
import { type Figure, median, round } from "./report.ts";
import type { Stage } from "./stage.ts";

const SYMBOLS = 60;
const ROUNDS = 31;

/** What people ask for most: a name, an interval and the days until now. */
const CASES = [
  { what: "a day of 1m", interval: "1m", days: 1 },
  { what: "a week of 1m", interval: "1m", days: 7 },
  { what: "six years of 1d", interval: "1d", days: 6 * 365 },
] as const;

const COLUMNS = "open, high, low, close, volume";
const BY_TABLE = `
  select "timestamp" as ts, ${COLUMNS} from r3a.ohlcv_partitioned
  where coin_id = $1 and "interval" = $2 and "timestamp" >= $3 order by "timestamp"`;
const BY_VIEW = `
  select ts, ${COLUMNS} from r3a.candle where symbol = $1 and "interval" = $2 and ts >= $3 order by ts`;

/** The view that names the symbol against the table that is asked by coin_id, by turns, with every row fetched. */
export async function measureCandleView(stage: Stage): Promise<readonly Figure[]> {
  const url = await stage.database();
  await fillSixYears(url, SYMBOLS);
  return withClient(url, async (client) => {
    await client.query("vacuum analyze");
    const { rows } = await client.query<Coin>("select id, symbol from r3a.coin order by id");
    const figures: Figure[] = [];
    for (const each of CASES) figures.push(await compare(client, rows, each));
    return figures;
  });
}

type Coin = { id: number; symbol: string };

async function compare(
  client: pg.Client,
  coins: readonly Coin[],
  { what, interval, days }: (typeof CASES)[number],
): Promise<Figure> {
  const since = new Date(Date.now() - days * 86_400_000);
  const [table, view]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    const coin = coins[turn % coins.length];
    if (coin === undefined) throw new Error("the database has no symbol");
    table.push(await timeOf(client, BY_TABLE, [coin.id, interval, since]));
    view.push(await timeOf(client, BY_VIEW, [coin.symbol, interval, since]));
  }
  const [slow, fast] = [median(view), median(table)];
  return {
    claim: `r3a.candle by symbol against the table by coin_id, ${what}`,
    value: slow / fast,
    unit: "x",
    most: 1.5,
    detail: `${round(slow)} against ${round(fast)} ms, median of ${ROUNDS}`,
  };
}

async function timeOf(client: pg.Client, statement: string, values: readonly unknown[]): Promise<number> {
  const startedAt = performance.now();
  const { rowCount } = await client.query(statement, [...values]);
  if (rowCount === 0) throw new Error(`no row: ${statement}`);
  return performance.now() - startedAt;
}
