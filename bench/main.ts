import { measureBackfill } from "./backfill.ts";
import { measureIngest } from "./ingest.ts";
import { measureMinute } from "./minute.ts";
import { type Figure, isKept, renderFigures } from "./report.ts";
import { openStage } from "./stage.ts";
import { measureStartUp } from "./start-up.ts";
import { measureSynth } from "./synth.ts";

/** `npm run bench [-- NAME ...]`: each claim of the design beside its limit, as ratios of one run on one machine. */
const MEASUREMENTS = {
  startup: measureStartUp,
  ingest: measureIngest,
  minute: measureMinute,
  backfill: measureBackfill,
  synth: measureSynth,
};

const asked = process.argv.slice(2);
const stage = await openStage();
const figures: Figure[] = [];
try {
  for (const [name, measure] of Object.entries(MEASUREMENTS)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    process.stderr.write(`measuring ${name} ...\n`);
    figures.push(...(await measure(stage)));
  }
} finally {
  await stage.close();
}
process.stdout.write(`${renderFigures(figures)}\n`);
process.exitCode = figures.every(isKept) ? 0 : 1;
