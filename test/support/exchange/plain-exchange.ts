import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll } from "vitest";
import { WIDTH_MS } from "../../../runner/src/contract/intervals.ts";
import { useDatabase } from "../database/database.ts";
import { runRunner } from "../runner.ts";

const WIDTHS: Readonly<Record<string, number>> = WIDTH_MS;

/** A symbol as this exchange lists it; `first` ms, `price` of all its candles. */
export type PlainSymbol = { volume: string; status: string; first: number; price: string };

/**
 * An exchange of the same form that does not say it is simulated, with the real clock and the same candle in each slot.
 * `answer` may answer a request in its place: a status with a body, or just a body.
 */
export type PlainExchange = {
  readonly url: string;
  readonly symbols: Map<string, PlainSymbol>;
  readonly requests: URL[];
  answer: ((url: URL) => PlainAnswer | null) | null;
};
export type PlainAnswer = { readonly status?: number; readonly body: unknown };

/** A database, such an exchange, and the runner between them. A word of `args` holds no blank. */
export function usePlainWorld(names: readonly string[], first: number, env: Record<string, string> = {}) {
  const database = useDatabase();
  const exchange = usePlainExchange(names, first);
  const run = (args: string, more: Readonly<Record<string, string>> = {}) =>
    runRunner(args.split(" "), { DB_URL: database.url, EXCHANGE_URL: exchange.url, ...env, ...more });
  return { database, exchange, run };
}

export function usePlainExchange(names: readonly string[], first: number): PlainExchange {
  const symbols = new Map(
    names.map((name, index): [string, PlainSymbol] => [
      name,
      { volume: String(1000 - index), status: "TRADING", first, price: "1" },
    ]),
  );
  const requests: URL[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://exchange");
    requests.push(url);
    const { status = 200, body } = exchange.answer?.(url) ?? answerOf(symbols, url);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  let url = "";
  beforeAll(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  const exchange: PlainExchange = {
    get url() {
      return url;
    },
    symbols,
    requests,
    answer: null,
  };
  return exchange;
}

const unknownSymbol: PlainAnswer = { status: 400, body: { code: -1121, msg: "Invalid symbol." } };

function answerOf(symbols: PlainExchange["symbols"], { pathname, searchParams: query }: URL): PlainAnswer {
  if (pathname.endsWith("/time")) return { body: { serverTime: Date.now() } };
  if (pathname.endsWith("/ticker/24hr"))
    return { body: [...symbols].map(([symbol, { volume }]) => ({ symbol, quoteVolume: volume })) };
  if (pathname.endsWith("/exchangeInfo")) {
    const named: unknown = JSON.parse(query.get("symbols") ?? "null");
    const wanted = Array.isArray(named) ? named.map(String) : [...symbols.keys()];
    if (wanted.some((name) => !symbols.has(name))) return unknownSymbol;
    const listed = wanted
      .map((symbol) => ({ symbol, status: symbols.get(symbol)?.status }))
      .filter(({ status }) => Array.isArray(named) || status === "TRADING");
    return {
      body: {
        symbols: listed.map((one) => ({ ...one, baseAsset: one.symbol.slice(0, -4), quoteAsset: "USDT" })),
      },
    };
  }
  const known = symbols.get(query.get("symbol") ?? "");
  return known === undefined ? unknownSymbol : { body: listRows(known, query) };
}

function listRows({ first, price }: PlainSymbol, query: URLSearchParams): unknown[] {
  const width = WIDTHS[query.get("interval") ?? ""] ?? 60_000;
  const end = Math.min(Number(query.get("endTime") ?? Date.now()), Date.now());
  const from = Math.max(Number(query.get("startTime")), Math.floor(first / width) * width);
  const rows: unknown[] = [];
  for (
    let at = Math.ceil(from / width) * width;
    at <= end && rows.length < Number(query.get("limit"));
    at += width
  )
    rows.push([at, price, price, price, price, "5", at + width - 1, "5", 1, "1", "1", "0"]);
  return rows;
}
