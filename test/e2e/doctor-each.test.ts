import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { type SimulatedExchange, startExchange } from "../../dev/exchange/exchange.ts";
import { openDatabase } from "../../runner/src/db/connect.ts";
import { ensureLeaf } from "../../runner/src/db/leaves.ts";
import { diagnose, listCheckNames } from "../../runner/src/doctor/diagnose.ts";
import { leafAt } from "../../runner/src/partition/layout.ts";
import { addTestCoins } from "../support/candle/candle-rows.ts";
import { useOwnServer } from "../support/database/own-server.ts";
import { DATABASE_FAULTS } from "../support/doctor/database-faults.ts";
import { OUTSIDE_FAULTS } from "../support/doctor/outside-faults.ts";
import { useInstallation } from "../support/kubernetes/installation.ts";

/** Each check of doctor is seen failing through the whole list of checks, for the reason that it names. */

const FAULTS = { ...DATABASE_FAULTS, ...OUTSIDE_FAULTS };
const server = useOwnServer();
const installation = useInstallation();
let exchange: SimulatedExchange;

beforeAll(async () => {
  exchange = await startExchange({ recorded: false });
  await addTestCoins(server, ["AUSDT"]);
  const db = openDatabase(server.url, "test");
  await ensureLeaf(db, leafAt("1h", Date.now()));
  await db.pool.end();
  // a server whose lock table and connections one test can use up
  for (const [name, value] of [
    ["superuser_reserved_connections", 80],
    ["max_locks_per_transaction", 10],
  ])
    await server.query(`alter system set ${name} = ${value}`);
  await server.halt();
  await server.start();
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => exchange.stop());

/** The row of the group health that its fault is about. */
const OF_HEALTH = "health integrity leaves";

const look = async (name: string, env: Readonly<Record<string, string>> = {}) => {
  const { kubeconfig: KUBECONFIG } = installation.server;
  vi.stubEnv("KUBECONFIG", KUBECONFIG); // the client reads the process itself
  const all = { DB_URL: server.url, EXCHANGE_URL: exchange.url, KUBECONFIG, ...env };
  const results = await diagnose({ env: all, namespace: null, signal: new AbortController().signal }, [name]);
  const find = (wanted: string) => results.find((each) => each.name === wanted);
  const result = (name === "health" ? find(OF_HEALTH) : undefined) ?? find(name);
  if (result === undefined) throw new Error(`doctor has no check ${name}`);
  return result;
};

test("every check has a fault here that it finds", () => {
  expect(Object.keys(FAULTS).toSorted()).toEqual(listCheckNames().toSorted());
});

test.each(Object.entries(FAULTS))("%s", async (name, { status, output, arrange }) => {
  const ground = { server, exchange, installation, look: (env?: Record<string, string>) => look(name, env) };
  const good = await look(name);
  expect(output.test(good.output), good.output).toBe(false);
  expect(await arrange(ground)).toMatchObject({
    name: name === "health" ? OF_HEALTH : name,
    status,
    output: expect.stringMatching(output),
    remedy: expect.stringMatching(/\w/),
  });
});
