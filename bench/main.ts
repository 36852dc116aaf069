import { Argument, Command } from "commander";
import { parseCommandLine } from "../dev/command-line.ts";
import { EXIT } from "../runner/src/contract/exits.ts";
import { measureBackfill } from "./backfill.ts";
import { measureCandleView } from "./candle-view.ts";
import { measureCluster } from "./cluster.ts";
import { measureGaps } from "./gaps.ts";
import { measureIngest } from "./ingest.ts";
import { measureMaintenance } from "./maintenance.ts";
import { measureMinute } from "./minute.ts";
import { measureOldLayout, measureOldRefresh } from "./old-refresh.ts";
import { measureRecovery } from "./recovery.ts";
import { type Figure, isKept, renderFigures } from "./report.ts";
import { measureSealed } from "./sealed.ts";
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
  recovery: measureRecovery,
  sealed: measureSealed,
  "candle-view": measureCandleView,
  synth: measureSynth,
};
/** Only when asked for: a machine that can have the cluster, and 3 min; 21,600 old leaves, whose build takes 2 min. */
const ON_DEMAND = { cluster: measureCluster, "old-layout": measureOldLayout };

/** Measures what the names say, by default all but what is on demand; returns the exit code. */
async function measure(names: readonly string[]): Promise<number> {
  const all = Object.entries({ ...MEASUREMENTS, ...ON_DEMAND });
  const wanted =
    names.length > 0 ? all.filter(([name]) => names.includes(name)) : Object.entries(MEASUREMENTS);
  const stage = await openStage();
  const figures: Figure[] = [];
  try {
    for (const [name, measureOne] of wanted) {
      process.stderr.write(`measuring ${name} ...\n`);
      figures.push(...(await measureOne(stage)));
    }
  } finally {
    await stage.close();
  }
  process.stdout.write(`${renderFigures(figures)}\n`);
  return figures.every(isKept) ? EXIT.done : EXIT.failed;
}

const program = new Command("npm run bench --")
  .description("Measures each claim of the design beside its limit. Exit 1: a limit is not kept.")
  .addArgument(
    new Argument("[names...]", `all but ${Object.keys(ON_DEMAND).join(" and ")} by default`).choices(
      Object.keys({ ...MEASUREMENTS, ...ON_DEMAND }),
    ),
  )
  .action(() => {});
process.exitCode = (await parseCommandLine(program, process.argv.slice(2))) ?? (await measure(program.args));
