import { expect, test } from "vitest";
import { parseDbUrl } from "../../runner/src/db/connection/url.ts";
import { settingsChecks } from "../../runner/src/doctor/settings.ts";
import { runRunner } from "../support/runner.ts";

const BASE = "postgresql://u:canary-4711@127.0.0.1:1/d";
const withQuery = (query: string) => `${BASE}?${query}`;

test.each<[string, RegExp]>([
  [
    "replication=true",
    /^has the parameter "replication", which is not taken: there are host, port, user, password, application_name, options, sslmode, /,
  ],
  ["replication=database", /"replication"/],
  ["query_timeout=1", /"query_timeout"/],
  ["statement_timeout=1", /"statement_timeout".* the program sets the rest itself$/],
  ["lock_timeout=x", /"lock_timeout"/],
  ["idle_in_transaction_session_timeout=1", /"idle_in_transaction_session_timeout"/],
  ["database=x", /"database"/],
  ["binary=1", /"binary"/],
  ["Host=db", /"Host"/],
  ["options=-c%20nosuch=1", /^has nosuch in the parameter options, where only role, work_mem, /],
  ["options=-c%20default_transaction_read_only=on", /^has default_transaction_read_only in/],
  ["options=-csearch_path=public", /^has search_path in/],
  ["options=--session-replication-role=replica", /^has session_replication_role in/],
  ["options=-c%20jit=off%20-c%20lock_timeout=1", /^has lock_timeout in/],
  ["options=-c%20jit=off%20-f%20s", /^has words that are not -c NAME=VALUE in/],
  ["options=-c%20jit=off&options=-c%20TimeZone=UTC", /^has timezone in/],
  [
    "query_timeout=1&sslmode=strict",
    /^has the parameter "query_timeout".*; it has sslmode=strict; it must be one of disable/,
  ],
])("?%s is refused by name, with what may stand there", (query, reason) => {
  expect(() => parseDbUrl(withQuery(query))).toThrow(reason);
});

test("what the program sets itself is taken out, and the rest stays", () => {
  const idle =
    "fallback_application_name=x&connect_timeout=10&client_encoding=latin1&keepalives=0&target_session_attrs=any";
  expect(parseDbUrl(withQuery(idle))).toBe(BASE);
  for (const query of [
    "options=-c%20jit=off%20--work_mem=64MB",
    "options=-c%20role=r3a_owner",
    "port=2&host=localhost&application_name=x",
  ])
    expect(parseDbUrl(withQuery(query))).toBe(withQuery(query));
});

test("a command ends with 78, and doctor's remedy is about the parameter and not about the password", async () => {
  const { code, stderr } = await runRunner(["wait-db"], { DB_URL: withQuery("query_timeout=1&UNKNOWN=2") });
  expect([code, stderr]).toEqual([
    78,
    expect.stringMatching(/DB_URL has the parameter "query_timeout".*; it has the parameter "UNKNOWN"/),
  ]);
  expect(stderr).not.toContain("canary");
  const remedyOf = async (url: string) => {
    const [dbUrl] = settingsChecks({ DB_URL: url });
    const finding = await dbUrl?.look(new AbortController().signal);
    return JSON.stringify(finding);
  };
  expect(await remedyOf(withQuery("sslmode=strict"))).toMatch(
    /sslmode=strict; it must be one of disable, .*correct what is named behind the \?/,
  );
  expect(await remedyOf("postgresql://u:a/b@h/d")).toMatch(/written as %40/);
});
