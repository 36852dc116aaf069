import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const DATABASE = ["test/support/database/server.ts"];
/** Node keeps compiled modules here between runs, those of the programs that tests start too. */
const COMPILED = fileURLToPath(new URL("node_modules/.cache/r3a-compiled", import.meta.url));

export default defineConfig({
  test: {
    // processes, since tests signal and crash real ones
    pool: "forks",
    env: { NODE_COMPILE_CACHE: COMPILED },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // the tests on a Kubernetes are a program of their own: test/cluster
    projects: [
      {
        extends: true,
        test: {
          // needs no server and starts no program of the project
          name: "unit",
          include: ["test/*.test.ts", "test/{runner,dev}/**/*.test.ts"],
          // these signal and crash nothing, and a thread starts in less time than a process
          pool: "threads",
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          // the same of infra, which replaces no module and loads cdk8s: 0.5 s for each file with modules of its own
          name: "unit-infra",
          include: ["test/infra/**/*.test.ts"],
          pool: "threads",
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          // PostgreSQL, the runner and the programs of the deployment, as processes
          name: "system",
          include: ["test/{db,e2e,deploy}/**/*.test.ts"],
          globalSetup: DATABASE,
          // a process of its own with modules of its own costs each of 110 files half a second
          isolate: false,
          // on two cores: a third of their time they wait for a server or a clock
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          // kills, outages, time-outs and sizes that take minutes; .ci/run runs them too
          name: "slow",
          include: ["test/slow/**/*.test.ts"],
          globalSetup: DATABASE,
          // most of their time they wait
          maxWorkers: 4,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
