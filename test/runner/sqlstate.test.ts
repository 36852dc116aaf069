import pg from "pg";
import { expect, test } from "vitest";
import { isCatalogClash, isConnectionError, isRefusal, translate } from "../../runner/src/db/fault.ts";
import { MEANINGS, meaningOf } from "../../runner/src/db/sqlstate.ts";
import { exitCodeOf, messageOf, SettingsFault, TryAgain } from "../../runner/src/errors.ts";

function serverError(code: string, message = "the server's own words"): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError(message, 0, "error"), { code });
}

const EXITS: Readonly<Record<string, number>> = {
  "08000": 75,
  "08006": 75,
  "08P01": 75,
  "22021": 78,
  "22P05": 78,
  "23505": 1,
  "25006": 75,
  "25P02": 1,
  "25P03": 75,
  "25P04": 75,
  "28000": 78,
  "28P01": 78,
  "3D000": 78,
  "3F000": 78,
  "40001": 75,
  "40P01": 75,
  "42501": 78,
  "42601": 1,
  "42703": 78,
  "42704": 78,
  "42804": 78,
  "42809": 78,
  "42883": 78,
  "42P01": 78,
  "42P10": 78,
  "53000": 75,
  "53100": 75,
  "53200": 75,
  "53300": 75,
  "53400": 78,
  "55006": 75,
  "55P03": 75,
  "57014": 75,
  "57P01": 75,
  "57P02": 75,
  "57P03": 75,
  "57P04": 78,
  "57P05": 75,
  "58030": 1,
  "58P01": 1,
  P0001: 1,
  XX000: 1,
  XX001: 1,
  XX002: 1,
};

test.each(Object.entries(EXITS))(
  "SQLSTATE %s ends a run with %i and keeps the server's own words",
  (code, exit) => {
    const error = translate(serverError(code), "somebody");
    expect(exitCodeOf(error)).toBe(exit);
    expect(messageOf(error)).toContain("the server's own words");
    expect((error as { code?: string }).code).toBe(code);
    expect(translate(error)).toBe(error);
  },
);

test("every code of the table has its exit code above, and says what to do in words of its own", () => {
  const known = Object.keys(EXITS);
  for (const [code, { says }] of Object.entries(MEANINGS)) {
    expect(known.some((each) => each.startsWith(code))).toBe(true);
    expect(says.length).toBeGreaterThan(20);
  }
  expect(meaningOf("ECONNREFUSED")).toBeNull();
  expect(meaningOf("53XYZ")?.kind).toBe("later");
});

test("a row of a catalog that another session changed at the same moment is tried again later; other rows are not", () => {
  const clashes = [
    serverError("XX000", "tuple concurrently updated"),
    serverError("XX000", "tuple concurrently deleted"),
    Object.assign(serverError("23505"), { schema: "pg_catalog", table: "pg_auth_members" }),
  ];
  for (const clash of clashes) {
    expect([isCatalogClash(clash), isRefusal(clash), exitCodeOf(translate(clash))]).toEqual([true, true, 75]);
    expect(isCatalogClash(translate(clash))).toBe(true);
  }
  const stored = Object.assign(serverError("23505"), { schema: "r3a", table: "coin" });
  for (const error of [
    stored,
    serverError("XX000", "cache lookup failed"),
    new Error("tuple concurrently updated"),
  ])
    expect([isCatalogClash(error), exitCodeOf(translate(error))]).toEqual([false, 1]);
});

test("a missing right names object, role and grant; damage is no reason to try again", () => {
  const denied = translate(serverError("42501", "permission denied for table coin"), "writer");
  expect(denied).toBeInstanceOf(SettingsFault);
  expect(messageOf(denied)).toContain(
    'as the owner: grant select on table r3a.coin to "writer"; for a command that stores rows (sync, ',
  );
  const owned = translate(serverError("42501", "must be owner of table coin"), "writer");
  expect(messageOf(owned)).toMatch(
    /must be owner of table coin; the role is writer; .*: grant r3a_owner to "writer"/,
  );
  const damage = translate(serverError("XX001", 'invalid page in block 3 of relation "base/1/2"'));
  expect(damage).not.toBeInstanceOf(TryAgain);
  expect(messageOf(damage)).toMatch(/damaged.*invalid page in block 3/);
});

test("what the driver cannot read is a database that is away; a refused startup parameter is a wrong DB_URL", () => {
  for (const message of [
    "received invalid response: 7",
    "Connection terminated unexpectedly",
    "timeout expired",
    "Received unexpected commandComplete message from backend.",
  ])
    expect(exitCodeOf(translate(new Error(message)))).toBe(75);
  const refused = serverError("08P01", "unsupported startup parameter in options: DateStyle");
  expect(exitCodeOf(translate(refused))).toBe(78);
  expect(messageOf(translate(refused))).toContain("ignore_startup_parameters");
});

test("one statement's refusal leaves the others their chance; what all would meet ends the run", () => {
  for (const code of ["42501", "53100", "40001", "XX001"])
    expect([code, isRefusal(serverError(code)), isConnectionError(serverError(code))]).toEqual([
      code,
      true,
      false,
    ]);
  for (const code of ["55P03", "25006", "28P01"])
    expect([code, isRefusal(serverError(code))]).toEqual([code, false]);
  for (const code of ["57P01", "08006", "53300"]) {
    expect([code, isRefusal(serverError(code)), isConnectionError(serverError(code))]).toEqual([
      code,
      false,
      true,
    ]);
  }
});
