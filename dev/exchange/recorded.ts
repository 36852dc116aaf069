import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";
import { type Interval, intervalWidths, isInterval } from "./interval.ts";
import type { KlineRow } from "./kline-text.ts";
import type { Span } from "./market.ts";

/** Real candles of one symbol and interval: every row that was recorded, by open time (ms). */
export type RecordedSeries = {
  readonly symbol: string;
  readonly interval: Interval;
  /** Spans that were asked for; a slot inside them without a row is a real gap. */
  readonly spans: readonly Span[];
  readonly rows: ReadonlyMap<number, KlineRow>;
};

const folder = new URL("../data/", import.meta.url);
const archives = ["BTCUSDT-1m-2020-01-01", "BTCUSDT-1m-2020-01-02"];

type Part = { readonly symbol: string; readonly interval: Interval; readonly rows: readonly KlineRow[] };

function partOf(symbol: string | null | undefined, interval: string, rows: readonly KlineRow[]): Part {
  if (!symbol || !isInterval(interval)) throw new Error(`recorded series ${symbol} ${interval} is unknown`);
  return { symbol, interval, rows };
}

function readAnswers(): Part[] {
  const file = JSON.parse(readFileSync(new URL("binance-rest-recorded.json", folder), "utf8")) as {
    klines: { query: string; response: KlineRow[] }[];
  };
  return file.klines.map(({ query, response }) => {
    const asked = new URLSearchParams(query);
    return partOf(asked.get("symbol"), asked.get("interval") ?? "", response);
  });
}

/** Reads the only entry of a zip: its data follow the local header, and its name and extra field. */
function unzipSingle(zip: Buffer): string {
  const start = 30 + zip.readUInt16LE(26) + zip.readUInt16LE(28);
  return inflateRawSync(zip.subarray(start)).toString("latin1");
}

function readArchive(name: string): Part {
  const [symbol, interval] = name.split("-");
  const csv = unzipSingle(readFileSync(new URL(`${name}.zip`, folder)));
  const rows = csv
    .trimEnd()
    .split("\n")
    .map((line) => {
      const fields = line.trim().split(",");
      return fields.map((field, index) => ([0, 6, 8].includes(index) ? Number(field) : field)) as KlineRow;
    });
  return partOf(symbol, interval ?? "", rows);
}

let loaded: readonly RecordedSeries[] | undefined;

/** All recorded series of dev/data, each with its rows; read once. */
export function listRecordedSeries(): readonly RecordedSeries[] {
  if (loaded) return loaded;
  const parts = [...readAnswers(), ...archives.map(readArchive)];
  const grouped = Map.groupBy(parts, (part) => `${part.symbol} ${part.interval}`);
  loaded = [...grouped.values()].flatMap((group) => {
    const [head] = group;
    if (!head) return [];
    const width = intervalWidths[head.interval];
    const spans = group.map(({ rows }) => ({ from: rows[0]?.[0] ?? 0, to: (rows.at(-1)?.[0] ?? 0) + width }));
    const rows = new Map(group.flatMap((part) => part.rows.map((row) => [row[0], row] as const)));
    return [{ symbol: head.symbol, interval: head.interval, spans, rows }];
  });
  return loaded;
}
