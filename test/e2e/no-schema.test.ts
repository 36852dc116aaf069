import { expect, test } from "vitest";
import { useEmptyDatabases } from "../support/database/empty-database.ts";
import { runRunner } from "../support/runner.ts";

const newEmptyDatabase = useEmptyDatabases();

test.each(["gaps", "candles BTCUSDT 1h", "maint --dry-run --deadline 9", "verify --deadline 9"])(
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

test("a command that waits for the database says so after a second, once, and for how long", async () => {
  const env = { DB_URL: "postgresql://r3a@127.0.0.1:1/market", EXCHANGE_URL: "http://127.0.0.1:1" };
  const waiting = /\[RUN\] waiting for the database, for up to 2 s: the database cannot be reached/g;
  for (const command of ["verify", "maint", "plan 1m", "sync 1m"]) {
    const { code, stderr } = await runRunner([...command.split(" "), "--deadline", "6"], env);
    expect([command, code]).toEqual([command, 75]);
    expect(stderr.match(waiting)).toHaveLength(1);
  }
  expect((await runRunner(["series"], env)).stderr).not.toContain("waiting for");
});
