import { EARLIEST_MS } from "../../candle/candle.ts";
import { FARTHEST_MS } from "../../contract/limits.ts";
import { TryAgain } from "../../errors.ts";
import { renderDuration, renderTime } from "../../time.ts";
import { garbage } from "../failure.ts";
import type { Believed } from "./believed.ts";
import { fieldOf } from "./lists.ts";

/** The exchange's time (ms), near enough to another clock to decide what is closed. */
export type BelievedClock = Believed<"clock">;

/** Three clocks at about one moment (ms). `isOneHost`: database and this program share a host, so their clock is one. */
type Clocks = {
  readonly exchangeMs: number;
  readonly ourMs: number;
  readonly databaseMs: number;
  readonly isOneHost: boolean;
};

/** A time before EARLIEST_MS or after this is in another unit: seconds lie in 1970, microseconds beyond 9999. */
const LATEST_MS = Date.UTC(9999, 11, 31);

/** `serverTime` of `/api/v3/time`: a whole number of milliseconds. Says nothing yet of whether it is right. */
export function readServerTime(answer: unknown): number {
  const value = fieldOf(answer, "serverTime");
  if (!Number.isSafeInteger(value)) throw garbage("/api/v3/time has no serverTime in whole milliseconds");
  const serverTime = value as number;
  if (serverTime < EARLIEST_MS || serverTime > LATEST_MS)
    throw garbage(
      `/api/v3/time says ${serverTime}, which is not a time in milliseconds between 2017 and 9999`,
    );
  return serverTime;
}

/**
 * The exchange's clock decides which candle is closed, so one that is ahead stores running candles as final and covers
 * a time that has not come. It is believed up to 2 minutes ahead of the later of the other two, which two syncs mend.
 * One that is behind, or between the two, only makes candles come later.
 */
export function believeClock({ exchangeMs, ourMs, databaseMs, isOneHost }: Clocks): BelievedClock {
  const aheadMs = exchangeMs - Math.max(ourMs, databaseMs);
  if (aheadMs <= FARTHEST_MS.clock) return exchangeMs as BelievedClock;
  const [exchange, ours, database] = [exchangeMs, ourMs, databaseMs].map((ms) => renderTime(Math.round(ms)));
  const remedy = isOneHost
    ? "The database is on this machine, so both are one clock. Where that clock is behind, set it by NTP (timedatectl set-ntp true, chronyc makestep; under WSL hwclock -s) and run again; else EXCHANGE_URL leads to an exchange or mirror whose clock is wrong"
    : "Where both of these are behind, set them by NTP (timedatectl, chronyc tracking); else EXCHANGE_URL leads to an exchange or mirror whose clock is wrong";
  throw new TryAgain(
    `the exchange's clock is not believed: it says ${exchange}, this machine's ${ours}, the database's ${database}, so it is ${renderDuration(aheadMs)} ahead of both. Nothing was asked for or stored: running candles would have been taken for closed ones. ${remedy}`,
  );
}
