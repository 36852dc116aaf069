import { MINUTE_MS } from "../runner/src/time.ts";
import { type Figure, peakRss, round } from "./report.ts";
import type { Stage } from "./stage.ts";

const CANDLES = 1_000_000;
const SYMBOLS = ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT"];

/** A million candles over REST from an exchange without latency or limit; and memory must not grow with the span. */
export async function measureBackfill(stage: Stage): Promise<readonly Figure[]> {
  const exchange = await stage.exchange(["--symbols", "60"]);
  const env = { EXCHANGE_URL: exchange, WEIGHT_LIMIT: "1" };
  const from = Date.UTC(2024, 0, 1);
  const backfill = async (candles: number) => {
    const to = from + (candles / SYMBOLS.length) * MINUTE_MS;
    const span = ["--from", new Date(from).toISOString(), "--to", new Date(to).toISOString()];
    const args = ["backfill", "1m", "--symbols", SYMBOLS.join(","), ...span, "--json"];
    return stage.run(args, { env: { ...env, DB_URL: await stage.database() } });
  };
  const tenth = await backfill(CANDLES / 10);
  const whole = await backfill(CANDLES);
  const added = (JSON.parse(whole.stdout) as { intervals: { added: number }[] }).intervals[0]?.added ?? 0;
  return [
    {
      claim: "REST backfill, zero latency",
      value: added / (whole.ms / 1000),
      unit: "candles/s",
      least: 50_000,
      detail: `${added} candles in ${round(whole.ms / 1000)} s, ${SYMBOLS.length} symbols, start-up included`,
    },
    peakRss("backfill of a million", whole.peakRssMb, `${round(tenth.peakRssMb)} MB for a tenth of it`),
  ];
}
