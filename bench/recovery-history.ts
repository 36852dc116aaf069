import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fillSixYears } from "../dev/fixtures/six-years.ts";
import { withClient } from "../dev/postgres/with-client.ts";
import { newAttempt, objectKey } from "../runner/src/archive/object/key.ts";
import { MINUTE_MS } from "../runner/src/time.ts";
import { measureLateCoin } from "./recovery-late-coin.ts";
import { fillMonth, giveMinutes, holdMinutes, lastMonth, reviseEach } from "./recovery-rows.ts";
import { makeTier, peakOfJob, type Tier } from "./recovery-tier.ts";
import { measureWhole } from "./recovery-whole.ts";
import { type Figure, round } from "./report.ts";
import type { Stage } from "./stage.ts";

const SYMBOLS = 60;
const ROUNDS = 3;
/** Of each symbol: somewhat more than 1,000 rows, as much as syncs write between two deltas. */
const MINUTES = 17;
/** A delta makes about ten. */
const OBJECTS = 10_000;
const month = lastMonth();

/** Six years of 60 symbols with one whole month: a delta, a coin that comes late, and the whole database restored. */
export async function measureHistory(stage: Stage): Promise<readonly Figure[]> {
  const url = await stage.database();
  await fillSixYears(url, SYMBOLS, month.span.to - MINUTE_MS);
  await withClient(url, (client) => client.query(`truncate r3a.${month.name}`));
  await fillMonth(url, month, { first: 1, last: SYMBOLS });
  await holdMinutes(url, month, (2 * ROUNDS + 1) * MINUTES);
  const tier = await makeTier(stage.folder);
  const env = { ...tier.env, DB_URL: url };
  const first = await stage.run(["backup"], { env });
  const plain = await measureDeltas(stage, url, { env, rounds: ROUNDS });
  await addObjects(tier, OBJECTS);
  const crowded = await measureDeltas(stage, url, { env, rounds: ROUNDS });
  await reviseEach(url, month);
  const revised = await measureDeltas(stage, url, { env, rounds: 1 });
  const whole = await measureWhole(stage, env);
  const late = await measureLateCoin(stage, { url, tier });
  await rm(tier.root, { recursive: true });
  return [
    {
      claim: `delta of ${plain.rows} changed rows at ${SYMBOLS} symbols, six years`,
      ...{ value: plain.ms / 1000, unit: "s", most: 2 },
      detail: `whole process, least of ${ROUNDS}; with a revision in each symbol ${round(revised.ms / 1000)} s`,
    },
    {
      claim: `the same in a tier with ${OBJECTS} more objects`,
      ...{ value: crowded.ms / 1000, unit: "s", most: 2 },
      detail: `least of ${ROUNDS}; the first backup of all took ${round(first.ms / 1000)} s`,
    },
    ...late,
    ...whole,
    peakOfJob("first backup of six years", first.peakRssMb, `${SYMBOLS} symbols`),
    peakOfJob("backup --delta", Math.max(plain.mb, crowded.mb, revised.mb), "the most of all rounds"),
  ];
}

type How = { readonly env: Readonly<Record<string, string>>; readonly rounds: number };

async function measureDeltas(stage: Stage, url: string, { env, rounds }: How) {
  const all = [];
  for (let turn = 0; turn < rounds; turn += 1) {
    await giveMinutes(url, month, MINUTES);
    all.push(await stage.run(["backup", "--delta", "--json"], { env }));
  }
  const written = all.map(({ stdout }) => (JSON.parse(stdout) as { rows: number }).rows);
  const rows = SYMBOLS * MINUTES;
  if (written.some((count) => count < rows)) throw new Error(`deltas wrote ${written.join(", ")} rows`);
  return {
    rows,
    ms: Math.min(...all.map(({ ms }) => ms)),
    mb: Math.max(...all.map(({ peakRssMb }) => peakRssMb)),
  };
}

/** Objects that no manifest names, as they lie in a tier until somebody takes them away. */
async function addObjects({ folder, store }: Tier, count: number): Promise<void> {
  const signal = new AbortController().signal;
  for (let at = 0; at < 256; at += 1) {
    const start = at.toString(16).padStart(2, "0");
    const key = () => {
      const random = crypto.randomUUID().replaceAll("-", "");
      return objectKey(`${start}${random}${random.slice(2)}`, newAttempt());
    };
    // the first makes the folder
    await store.putText(key(), "x", signal);
    const others = Array.from({ length: Math.ceil(count / 256) - 1 }, key);
    await Promise.all(others.map((each) => writeFile(join(folder, each), "x")));
  }
}
