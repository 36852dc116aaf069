import { expect, test } from "vitest";
import { useEmptyDatabases } from "../support/database/empty-database.ts";
import { runRunner } from "../support/runner.ts";

const newEmptyDatabase = useEmptyDatabases();

test.each(["gaps", "candles BTCUSDT 1h", "maint --dry-run --deadline 3", "verify --deadline 3"])(
  "%s on a database without our tables says what to run, and may be tried again",
  async (command) => {
    const { code, stdout, stderr } = await runRunner(command.split(" "), {
      DB_URL: await newEmptyDatabase(),
    });
    expect([code, stdout]).toEqual([75, ""]);
    expect(stderr).toContain("the database lacks 000001_advisory_locks");
    expect(stderr).toContain("run migrate");
  },
);
