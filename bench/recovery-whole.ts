import { lastMonth } from "./recovery-rows.ts";
import { peakOfJob } from "./recovery-tier.ts";
import { type Figure, round } from "./report.ts";
import type { Stage } from "./stage.ts";

/** What a restore promises: the hot set is there this many minutes after the damage was seen. */
const PROMISE_MINUTES = 30;
/** At most: the open month of 1m and those that 90 days touch. */
const HOT_DAYS = 122;
const [FEW, MANY] = [60, 600];

type Restored = {
  readonly rows: number;
  readonly durationMs: number;
  readonly leaves: readonly { readonly leaf: string; readonly rows: number; readonly durationMs: number }[];
};

/** `restore --all` into an empty database: the rate of its whole month, and how long a hot set of such months takes. */
export async function measureWhole(
  stage: Stage,
  env: Readonly<Record<string, string>>,
): Promise<readonly Figure[]> {
  const target = await stage.emptyDatabase();
  const { stdout, peakRssMb } = await stage.run(["restore", "--all", "--to", target, "--json"], { env });
  const { rows, durationMs, leaves } = JSON.parse(stdout) as Restored;
  const month = leaves.find(({ leaf }) => leaf === lastMonth().name);
  if (month === undefined) throw new Error("the whole month was not restored");
  const rate = month.rows / (month.durationMs / 1000);
  const hotMinutes = (symbols: number) => (symbols * HOT_DAYS * 1440) / rate / 60;
  return [
    {
      claim: `hot set of ${FEW} symbols by restore --all`,
      ...{ value: hotMinutes(FEW), unit: "min", most: PROMISE_MINUTES },
      detail: `${round(rate)} rows/s in a whole month; ${rows} rows of ${leaves.length} leaves in ${round(durationMs / 1000)} s`,
    },
    {
      claim: `hot set of ${MANY} symbols by restore --all`,
      ...{ value: hotMinutes(MANY), unit: "min", most: PROMISE_MINUTES },
      detail: "by the same rate",
    },
    peakOfJob("restore --all", peakRssMb, `${leaves.length} leaves`),
  ];
}
