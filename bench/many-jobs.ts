import { App, Chart } from "cdk8s";
import { BatchCronJob } from "../infra/constructs/batch-cron-job.ts";
import { resolveJobs } from "../infra/model/resolve-jobs.ts";
import { SETTINGS } from "../infra/settings/schema.ts";

/** Renders the table of jobs N times over in one chart, with each copy under a name of its own; prints the ms. */
const [copies = "1"] = process.argv.slice(2);
const settings = SETTINGS.parse({});
const render = (count: number) => {
  const startedAt = performance.now();
  const chart = new Chart(new App(), "many");
  for (let copy = 0; copy < count; copy += 1)
    for (const job of resolveJobs(settings))
      new BatchCronJob(chart, `${job.name}-${copy}`, {
        settings,
        job: { ...job, name: `${job.name}-${copy}`, objectName: `${job.objectName}-${copy}` },
      });
  chart.toJson();
  return performance.now() - startedAt;
};
render(1); // the first one compiles the code
process.stdout.write(String(render(Number(copies))));
