import { expect, test } from "vitest";
import type { Transport } from "../../runner/src/db/doctor/reach.ts";
import type { Finding } from "../../runner/src/doctor/check.ts";
import { judgeOrigin } from "../../runner/src/doctor/exchange.ts";
import {
  judgeClock,
  judgePids,
  judgeReach,
  judgeSchema,
  judgeServer,
} from "../../runner/src/doctor/server.ts";
import { judgeTls } from "../../runner/src/doctor/tls.ts";

const S = 1_000;
const NOW = Date.UTC(2026, 5, 15);

const server = {
  version: 180_004,
  release: "18.4",
  database: "r3a",
  role: "r3a",
  isStandby: false,
  isReadOnly: false,
  readOnlyFrom: "default",
  encoding: "UTF8",
};
const transport = { trust: "plain", isLocal: true, rootCert: null, protocol: null, validTo: null } as const;
const verified = {
  trust: "full",
  isLocal: false,
  protocol: "TLSv1.3",
  validTo: NOW + 90 * 86_400 * S,
} as const;
const throughTls = (change: Partial<Transport>, extra: string | null = null) =>
  judgeTls({ step: "in", address: "db:5432", ms: 1, transport: { ...transport, ...change } }, extra, NOW);
const schema = { pending: [], unknown: [], layout: "none" as const, loading: null, faults: [] as string[] };

const STOPPED = { loaded: 2, leaves: 108, isGated: true, isAlive: false };
test.each<[string, Finding, Finding["status"], RegExp, RegExp]>([
  [
    "a host without an address",
    judgeReach({ step: "host", address: "db:5432", message: "ENOTFOUND" }),
    "fail",
    /db:5432 does not resolve: ENOTFOUND/,
    /host in DB_URL/,
  ],
  [
    "a port that refuses",
    judgeReach({ step: "port", address: "db:5432", message: "ECONNREFUSED" }),
    "fail",
    /nothing answers at db:5432/,
    /NetworkPolicy/,
  ],
  [
    "a wrong password",
    judgeReach({ step: "login", address: "db:5432", message: "password (28P01)" }),
    "fail",
    /refuses the login: password/,
    /correct user/,
  ],
  [
    "too many connections",
    judgeReach({ step: "login", address: "db:5432", message: "too many clients (53300)" }),
    "fail",
    /too many/,
    /max_connections/,
  ],
  [
    "a server that starts",
    judgeReach({ step: "login", address: "db:5432", message: "starting up (57P03)" }),
    "fail",
    /starting/,
    /^wait/,
  ],
  [
    "a connection",
    judgeReach({ step: "in", address: "db:5432", ms: 12.3, transport }),
    "pass",
    /db:5432 accepts the login, after 12 ms/,
    /^$/,
  ],
  [
    "version 14",
    judgeServer({ ...server, version: 140_011, release: "14.11" }),
    "fail",
    /14\.11.*too old, 15 to 18/,
    /upgrade/,
  ],
  [
    "version 19",
    judgeServer({ ...server, version: 190_000, release: "19.0" }),
    "warn",
    /newer than what is tested/,
    /newer release/,
  ],
  [
    "version 15",
    judgeServer({ ...server, version: 150_000, release: "15.0" }),
    "pass",
    /PostgreSQL 15\.0, database r3a, role r3a/,
    /^$/,
  ],
  ["a standby", judgeServer({ ...server, isStandby: true }), "fail", /nothing can be written/, /primary/],
  [
    "read-only",
    judgeServer({ ...server, isReadOnly: true, readOnlyFrom: "user" }),
    "fail",
    /read_only is on/,
    /alter role "r3a" reset/,
  ],
  [
    "LATIN1",
    judgeServer({ ...server, encoding: "LATIN1" }),
    "fail",
    /the encoding LATIN1.*need UTF8/,
    /^create database "r3a_utf8" encoding 'UTF8'/,
  ],
  [
    "a refused certificate",
    judgeReach({ step: "tls", address: "db:5432", message: "expired", remedy: "renew it" }),
    "fail",
    /^no safe connection to db:5432: expired$/,
    /^renew it$/,
  ],
  [
    "no encryption to elsewhere",
    throughTls({ isLocal: false }),
    "fail",
    /not encrypted, as sslmode=disable/,
    /sslmode=verify-full/,
  ],
  ["no encryption to this machine", throughTls({}), "pass", /does not leave/, /^$/],
  [
    "TLS that trusts anybody",
    throughTls({ trust: "unverified", isLocal: false, protocol: "TLSv1.2" }),
    "warn",
    /^encrypted \(TLSv1\.2\) and not verified/,
    /sslmode=verify-full/,
  ],
  [
    "TLS for any host",
    throughTls({ ...verified, trust: "chain", rootCert: "/ca.pem" }),
    "warn",
    /by \/ca\.pem, but for any host/,
    /sslmode=verify-full/,
  ],
  [
    "TLS",
    throughTls({ ...verified, rootCert: "/ca.pem" }),
    "pass",
    /^encrypted \(TLSv1\.3\) and verified by \/ca\.pem, valid until 2026-09-13T00:00:00Z$/,
    /^$/,
  ],
  [
    "TLS by an authority of the environment",
    throughTls(verified, "/extra.pem"),
    "pass",
    /by the authorities of Node and of \/extra\.pem, valid/,
    /^$/,
  ],
  [
    "a certificate of 13 days",
    throughTls({ ...verified, validTo: NOW + 13 * 86_400 * S }),
    "warn",
    /valid until 2026-06-28T00:00:00Z: in 13/,
    /renew/,
  ],
  ["two backends", judgePids({ pids: [1, 2] }), "fail", /2 backends.*transaction mode/, /session mode/],
  [
    "a clock 3 s ahead",
    judgeClock(3 * S, "the database's", { warn: 2 * S, fail: 30 * S }),
    "warn",
    /3 s ahead of the database's/,
    /NTP/,
  ],
  [
    "a clock a minute behind",
    judgeClock(-60 * S, "the exchange's", { warn: S, fail: 30 * S }),
    "fail",
    /60 s behind the exchange's/,
    /NTP/,
  ],
  [
    "a clock that agrees",
    judgeClock(-40, "the database's", { warn: S, fail: 30 * S }),
    "pass",
    /agree within 40 ms/,
    /^$/,
  ],
  [
    "an old layout",
    judgeSchema({ ...schema, layout: "old", pending: ["a"] }),
    "fail",
    /old layout/,
    /^r3a migrate-layout$/,
  ],
  [
    "a migration to come",
    judgeSchema({ ...schema, pending: ["000009_x"] }),
    "fail",
    /lacks 000009_x/,
    /^r3a migrate$/,
  ],
  [
    "a migration of the future",
    judgeSchema({ ...schema, unknown: ["000099_x"] }),
    "warn",
    /000099_x.*does not know/,
    /newer one/,
  ],
  [
    "a column that is gone",
    judgeSchema({ ...schema, faults: ["r3a.coin lacks the column base (text): change it back"] }),
    "fail",
    /^r3a\.coin lacks the column base/,
    /docs\/database\.md/,
  ],
  [
    "a move under way",
    judgeSchema({ ...schema, layout: "moving" }),
    "warn",
    /ohlcv_legacy/,
    /migrate-layout/,
  ],
  [
    "a restore whose newest leaves are not loaded",
    judgeSchema({ ...schema, pending: ["000009_x"], loading: STOPPED }),
    "fail",
    /2 of 108 leaves are loaded; run restore --all --to with the address.*ends with 75/,
    /^run restore --all --to/,
  ],
  [
    "a restore that loads history",
    judgeSchema({ ...schema, loading: { loaded: 20, leaves: 108, isGated: false, isAlive: true } }),
    "warn",
    /20 of 108 leaves are loaded.*backup waits/,
    /wait/,
  ],
  [
    "another exchange",
    judgeOrigin("binance", "simulated"),
    ...(["fail", /filled from binance.*answers as simulated/, /EXCHANGE_URL or DB_URL/] as const),
  ],
])("%s", (_, finding, status, output, remedy) => {
  expect(finding).toEqual({
    status,
    output: expect.stringMatching(output),
    remedy: expect.stringMatching(remedy),
  });
});
