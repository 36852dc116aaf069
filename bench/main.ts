import { measureBackfill } from "./backfill.ts";
import { measureCandleView } from "./candle-view.ts";
import { measureCluster } from "./cluster.ts";
import { measureGaps } from "./gaps.ts";
import { measureIngest } from "./ingest.ts";
import { measureMaintenance } from "./maintenance.ts";
import { measureMinute } from "./minute.ts";
import { measureOldLayout, measureOldRefresh } from "./old-refresh.ts";
import { type Figure, isKept, renderFigures } from "./report.ts";
import { openStage } from "./stage.ts";
import { measureStartUp } from "./start-up.ts";
import { measureSynth } from "./synth.ts";

/** `npm run bench [-- NAME ...]`: each claim of the design beside its limit, as ratios of one run on one machine. */
const MEASUREMENTS = {
  startup: measureStartUp,
  ingest: measureIngest,
  minute: measureMinute,
  gaps: measureGaps,
  backfill: measureBackfill,
  refresh: measureOldRefresh,
  maintenance: measureMaintenance,
  "candle-view": measureCandleView,
  synth: measureSynth,
};
/** Only when asked for: a machine that can have the cluster, and 3 min; 21,600 old leaves, whose build takes 2 min. */
const ON_DEMAND = { cluster: measureCluster, "old-layout": measureOldLayout };

const asked = process.argv.slice(2);
const stage = await openStage();
const figures: Figure[] = [];
try {
  const all = Object.entries({ ...MEASUREMENTS, ...ON_DEMAND });
  const wanted =
    asked.length > 0 ? all.filter(([name]) => asked.includes(name)) : Object.entries(MEASUREMENTS);
  for (const [name, measure] of wanted) {
    process.stderr.write(`measuring ${name} ...\n`);
    figures.push(...(await measure(stage)));
  }
} finally {
  await stage.close();
}
process.stdout.write(`${renderFigures(figures)}\n`);
process.exitCode = figures.every(isKept) ? 0 : 1;
