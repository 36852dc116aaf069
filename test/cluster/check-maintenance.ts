import { kubectl, waitForSuccess } from "./kubectl.ts";
import { check, expectEqual } from "./report.ts";
import type { Servers } from "./servers.ts";

/** CronJob and the command that it runs, as the ledger has it. */
const JOBS = {
  maint: "maint",
  "maint-refresh-lastts": "refresh-lastts",
  "maint-vacuum-hot": "vacuum",
  health: "health",
};

/** What each run left in the database. */
const ENDED = `select command, outcome, exit_code from r3a.run where command = any($1) order by command, started_at`;
const AHEAD = `
  select count(*)::int as n from r3a_util.leaf_partitions() where from_ts > now()`;
const STATISTICS = `
  select relname from pg_class where relnamespace = 'r3a'::regnamespace and relkind = 'p' and reltuples >= 0 order by 1`;
const RESULTS = `select count(distinct check_name)::int as n from r3a.health_result`;

/** The maintenance jobs and health as pods, on what the syncs stored; health needs every interval to be there. */
export async function checkMaintenance(servers: Servers): Promise<void> {
  await check(
    "maint, refresh-lastts, vacuum and health run as pods, and their work is in the database",
    async () => {
      await Promise.all(
        Object.keys(JOBS).map(async (name) => {
          await kubectl(["create", "job", `e2e-${name}`, `--from=cronjob/r3a-${name}`]);
          await waitForSuccess(`e2e-${name}`, 90);
        }),
      );
      const commands = Object.values(JOBS);
      const runs = await servers.query<{ command: string; outcome: string }>(ENDED, [commands]);
      expectEqual(
        runs.filter(({ outcome }) => outcome !== "success"),
        [],
        "runs that did not succeed",
      );
      expectEqual(new Set(runs.map(({ command }) => command)), new Set(commands), "commands in the ledger");
      const [ahead] = await servers.query<{ n: number }>(AHEAD);
      if ((ahead?.n ?? 0) < 4) throw new Error(`only ${ahead?.n} leaves are ahead of now`);
      const analysed = await servers.query<{ relname: string }>(STATISTICS);
      const [results] = await servers.query<{ n: number }>(RESULTS);
      return `${ahead?.n} leaves ahead, ${analysed.length} parents analysed, ${results?.n} checks of health stored`;
    },
  );
}
