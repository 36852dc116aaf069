import { describe, expect, test } from "vitest";
import { settingsChecks } from "../../runner/src/doctor/settings.ts";

const never = new AbortController().signal;
const look = async (env: Readonly<Record<string, string>>) =>
  settingsChecks(env)
    .find(({ name }) => name === "settings")
    ?.look(never);

describe("the check settings", () => {
  test("names a level of the log and a start that no command takes", async () => {
    const found = await look({ LOG_LEVEL: "loud", FALLBACK_START: "2130-01-01" });
    expect(found).toMatchObject({ status: "fail" });
    expect(found).toHaveProperty(
      "output",
      expect.stringMatching(/FALLBACK_START lies in the future.*LOG_LEVEL must be one of/),
    );
  });

  test.each([
    ["FALBACK_START", "FALLBACK_START"],
    ["SYMBOL", "SYMBOLS"],
    ["SYMOBLS", "SYMBOLS"],
    ["R3A_SHARD", "R3A_SHARDS"],
    ["LOGLEVEL", "LOG_LEVEL"],
  ])("warns of %s, which nothing reads", async (name, meant) => {
    expect(await look({ [name]: "2024-01-01" })).toMatchObject({
      status: "warn",
      output: expect.stringContaining(`${name} is set, and no setting has this name: ${meant}?`),
    });
  });

  test("says so beside another fault too", async () => {
    expect(await look({ UNIVERSE_SIZE: "many", FALBACK_START: "2024-01-01" })).toMatchObject({
      status: "fail",
      output: expect.stringMatching(/UNIVERSE_SIZE must be.*FALBACK_START is set/),
    });
  });

  test("says nothing of variables of other programs", async () => {
    const env = {
      PATH: "/bin",
      DB_SSL: "on",
      PG_URL: "x",
      DB_HOST: "h",
      R3A_DATA: "/x",
      falback_start: "x",
      NODE_ENV: "test",
    };
    expect(await look(env)).toMatchObject({ status: "pass" });
  });
});
