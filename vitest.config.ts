import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // these need a Kubernetes of their own
    exclude: ["test/cluster/**"],
    globalSetup: ["test/support/database/server.ts"],
    // processes, since tests signal and crash real ones; two, since the budgets are set for two cores
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
