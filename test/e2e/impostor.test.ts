import { afterAll, beforeAll, expect, test } from "vitest";
import { type Impostor, ownAddress, startImpostor } from "../support/database/impostor.ts";
import { runRunner } from "../support/runner.ts";

/** Where the machine has no network of its own, its name for all of its addresses is no loopback either. */
const HOST = ownAddress() ?? "0.0.0.0";
const SECRET = "canary-4711";
let impostor: Impostor;
beforeAll(async () => {
  impostor = await startImpostor();
});
afterAll(() => impostor.stop());

test.each([
  ["", /offers no TLS/],
  ["?sslmode=require", /offers no TLS/],
  ["?sslmode=prefer", /offers no TLS/],
  ["?sslmode=no-verify", /offers no TLS/],
  ["?uselibpqcompat=true&sslmode=prefer", /offers no TLS/],
  ["?sslmode=disable", /asks for the password as clear text.*: write sslmode=verify-full instead of disable/],
])("an impostor on the network that asks for the password does not get it: %s", async (query, reason) => {
  const url = `postgresql://r3a:${SECRET}@${HOST}:${impostor.port}/market${query}`;
  const { code, stderr, stdout } = await runRunner(["wait-db", "--timeout", "3"], { DB_URL: url });
  expect([code, stdout]).toEqual([78, ""]);
  expect(stderr).toMatch(reason);
  expect(stderr).toContain(HOST);
  expect(stderr).not.toContain(SECRET);
  expect(impostor.heard()).not.toContain(SECRET);
});

test("channel_binding=require gets a login without it nowhere", async () => {
  const url = `postgresql://r3a:${SECRET}@127.0.0.1:${impostor.port}/market?channel_binding=require`;
  const { code, stderr } = await runRunner(["wait-db", "--timeout", "3"], { DB_URL: url });
  expect([code, stderr]).toEqual([78, expect.stringContaining("offers no TLS")]);
  expect(impostor.heard()).not.toContain(SECRET);
});
