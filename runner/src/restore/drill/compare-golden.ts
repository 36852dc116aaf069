import { parsePage } from "../../candle/page.ts";
import type { Context } from "../../context.ts";
import { findDatabaseTime } from "../../db/clock.ts";
import type { Database } from "../../db/connect.ts";
import { isThisHost } from "../../db/connection/tls.ts";
import { addressOf, findOrigin, refuseOther } from "../../db/origin.ts";
import { listGolden } from "../../db/restore/golden.ts";
import type { OwnClient } from "../../db/session.ts";
import { messageOf, SettingsFault, TryAgain } from "../../errors.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { ExchangeFailure } from "../../exchange/failure.ts";
import type { Settings } from "../../settings/table.ts";
import { MINUTE_MS } from "../../time.ts";
import { createWeighedExchange, weightShareOf } from "../../weighed-exchange.ts";
import { compareGolden, type GoldenPage, planPages } from "./golden-plan.ts";

export type GoldenSettings = Pick<Settings, "dbUrl" | "exchangeUrl" | "weightLimit" | "egressKey">;

/** `compared`: candles; `open`: why not all of them, or none, could be compared; null: all were. */
export type GoldenResult = {
  readonly compared: number;
  readonly faults: readonly string[];
  readonly open: string | null;
};

/** The exchange corrects a candle within its first minutes, if at all. */
const SETTLED_MS = 10 * MINUTE_MS;

type Asked = {
  readonly context: Context;
  /** The production database: its budget counts the requests, and its origin says which exchange is asked. */
  readonly db: Database;
  /** In the restored database. */
  readonly client: OwnClient;
  readonly settings: GoldenSettings;
  readonly snapshotAt: number;
};

/** Compares restored candles with what the exchange shows for them. An exchange that does not answer leaves them open. */
export async function compareWithExchange(asked: Asked): Promise<GoldenResult> {
  const { context, db, client, settings, snapshotAt } = asked;
  const pages = planPages(await listGolden(client, snapshotAt - SETTLED_MS));
  if (pages.length === 0)
    return { compared: 0, faults: [], open: "no candle of a symbol that is traded is restored" };
  const share = weightShareOf(settings, true);
  const exchange = createWeighedExchange(context, db, { settings, share, signal: context.signal });
  const faults: string[] = [];
  let compared = 0;
  try {
    await believe(exchange, db, settings);
    for (const page of pages) {
      faults.push(...compareGolden(page, await show(exchange, page)));
      compared += page.candles.length;
    }
    return { compared, faults, open: null };
  } catch (error) {
    context.signal.throwIfAborted();
    const isOfExchange =
      error instanceof ExchangeFailure || error instanceof TryAgain || error instanceof SettingsFault;
    if (!isOfExchange) throw error;
    const reason = error instanceof SettingsFault ? error.faults.join("; ") : messageOf(error);
    return { compared, faults, open: `candles could not be compared with the exchange: ${reason}` };
  }
}

async function believe(exchange: Exchange, db: Database, { dbUrl, exchangeUrl }: GoldenSettings) {
  const { origin } = await exchange.readClock({
    now: () => findDatabaseTime(db),
    isOneHost: isThisHost(dbUrl),
  });
  refuseOther((await findOrigin(db, addressOf(exchangeUrl))).exchange, origin);
}

async function show(exchange: Exchange, { symbol, interval, span }: GoldenPage) {
  const rows = await exchange.fetchRows(symbol, interval, span);
  return parsePage(interval, span, rows, exchange.now()).candles;
}
