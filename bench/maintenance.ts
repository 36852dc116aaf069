import { fillSixYears, fillUpToNow } from "../dev/fixtures/six-years.ts";
import { type Figure, median, round } from "./report.ts";
import type { Stage } from "./stage.ts";

const [FEW, MANY] = [60, 600];
const ROUNDS = 3;
/** Ten times the symbols may cost ten times the time, and no more. */
const GROWTH = 10;
/** Own deadlines in seconds, as the jobs have them; doctor has none, and a person waits for it. */
const JOBS = [
  { name: "vacuum", args: ["vacuum"], deadlineS: 1165, isFirst: true },
  { name: "vacuum --vacuum", args: ["vacuum", "--vacuum"], deadlineS: 1165, isFirst: true },
  { name: "refresh-lastts", args: ["refresh-lastts"], deadlineS: 85, isFirst: false },
  { name: "health", args: ["health"], deadlineS: 105, isFirst: false },
  { name: "doctor", args: ["doctor"], deadlineS: 60, isFirst: false },
] as const;

/** Milliseconds of each job's whole process and how it ended. `isFirst`: the first run has the most to do, and counts. */
type Measured = { readonly ms: number; readonly code: number };

/** The jobs on six years of 60 and of 600 symbols, all intervals, every leaf filled. */
export async function measureMaintenance(stage: Stage): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  const exchange = await stage.exchange(["--symbols", String(MANY)]);
  const few = await measureJobs(stage, exchange, FEW);
  const many = await measureJobs(stage, exchange, MANY);
  for (const { name, deadlineS } of JOBS) {
    const [small, large] = [few.get(name), many.get(name)];
    if (small === undefined || large === undefined) throw new Error(`${name} was not measured`);
    figures.push(
      {
        claim: `${name}, ${FEW} symbols, six years`,
        value: small.ms / 1000,
        unit: "s",
        most: deadlineS,
        detail: `whole process, exit ${small.code}`,
      },
      {
        claim: `${name}, growth at ${MANY} symbols`,
        value: large.ms / small.ms,
        unit: "x",
        most: GROWTH,
        detail: `${round(large.ms / 1000)} s, exit ${large.code}`,
      },
    );
  }
  return figures;
}

async function measureJobs(stage: Stage, exchange: string, symbols: number): Promise<Map<string, Measured>> {
  const url = await stage.database();
  await fillSixYears(url, symbols);
  const env = { DB_URL: url, EXCHANGE_URL: exchange, UNIVERSE_SIZE: String(symbols), LOG_LEVEL: "error" };
  const measured = new Map<string, Measured>();
  for (const { name, args, deadlineS, isFirst } of JOBS) {
    const runs: Measured[] = [];
    for (let turn = 0; turn < (isFirst ? 1 : ROUNDS); turn += 1) {
      await fillUpToNow(url);
      const withDeadline = [...args, "--deadline", String(deadlineS)];
      // health and doctor end with 1 where they find something, and have looked at everything all the same
      const allowed = name === "health" || name === "doctor" ? [0, 1] : [0];
      const { ms, code } = await stage.run(withDeadline, { env, allowed });
      runs.push({ ms, code });
    }
    measured.set(name, {
      ms: median(runs.map(({ ms }) => ms)),
      code: Math.max(...runs.map(({ code }) => code)),
    });
  }
  return measured;
}
