import { rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Figure, median, round } from "./report.ts";
import type { Stage } from "./stage.ts";

const ROUNDS = 9;

/** Start of the bundle with the exchange adapter loaded, beside a bare Node and beside the whole of ccxt. */
export async function measureStartUp(stage: Stage): Promise<readonly Figure[]> {
  const bare = fileURLToPath(new URL("../dist/bench-bare.mjs", import.meta.url));
  const whole = fileURLToPath(new URL("../dist/bench-ccxt.mjs", import.meta.url));
  await writeFile(bare, "");
  await writeFile(whole, 'import ccxt from "ccxt"; new ccxt.binance();');
  const [bares, ours, wholes]: [number[], number[], number[]] = [[], [], []];
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    bares.push((await stage.run([], { program: bare })).ms);
    ours.push((await stage.run(["sync", "--help"])).ms);
    wholes.push((await stage.run([], { program: whole })).ms);
  }
  await rm(bare);
  await rm(whole);
  const [base, our, ccxt] = [median(bares), median(ours), median(wholes)];
  return [
    {
      claim: "start-up of the bundle against bare Node",
      value: our / base,
      unit: "x",
      most: 4,
      detail: `${round(our)} against ${round(base)} ms; import of all of ccxt ${round(ccxt)} ms`,
    },
  ];
}
