import { expect, test } from "vitest";
import { useWorld } from "../support/world.ts";

const world = useWorld();

const dbUrl = (change: (url: URL) => void): string => {
  const url = new URL(world.database.url);
  change(url);
  return url.href;
};

test.each<[string, (url: URL) => void, RegExp]>([
  [
    "a wrong password",
    (url) => Object.assign(url, { password: "canary-4711" }),
    /password authentication failed/,
  ],
  [
    "a database that does not exist",
    (url) => Object.assign(url, { pathname: "/nowhere" }),
    /"nowhere" does not exist/,
  ],
])("%s is a wrong DB_URL: exit 78 at once, and no secret is shown", async (_, change, message) => {
  for (const command of ["sync 1m --symbols BTCUSDT", "migrate", "candles BTCUSDT 1m", "wait-db"]) {
    const { code, stdout, stderr } = await world.run(command, { DB_URL: dbUrl(change) });
    expect([command, code]).toEqual([command, 78]);
    expect(stderr).toMatch(/DB_URL is refused by the database/);
    expect(stderr).toMatch(message);
    expect(stdout + stderr).not.toContain("canary");
  }
});
