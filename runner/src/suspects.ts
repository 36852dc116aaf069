import type { SuspectGroup } from "./db/backup/suspect-groups.ts";
import { commandLine } from "./program-name.ts";
import { renderCount } from "./render.ts";
import { renderTime } from "./time.ts";

type Shown = Pick<SuspectGroup, "leaf" | "symbol" | "interval" | "kind" | "count" | "from" | "last">;

/** `ohlcv_1m_2026_11:ETHUSDT 1m, 2026-11-11, 1,440 vanished`: the first word is what `backup --accept` takes. */
export function describeSuspects({ leaf, symbol, interval, kind, count, from, last }: Shown): string {
  const name = `${leaf}:${symbol} ${interval}`;
  if (from === null || last === null) return `${name}, it is not known which candles`;
  const [first, end] = [renderTime(from), renderTime(last)];
  if (count === 1) return `${name}, ${first} ${kind}`;
  const [day = "", endDay = ""] = [first, end].map((each) => each.slice(0, 10));
  return `${name}, ${day === endDay ? day : `${day} to ${endDay}`}, ${renderCount(count, kind, kind)}`;
}

/** The commands that look at the suspects of a part, and that take them as they are. */
export function remediesOf({ leaf, symbol }: Pick<Shown, "leaf" | "symbol">): {
  readonly look: string;
  readonly accept: string;
} {
  return {
    look: commandLine(`restore --to-schema r3a_restored --leaf ${leaf} --compare`),
    accept: commandLine(`backup --accept ${leaf}:${symbol} --reason "WHY"`),
  };
}
