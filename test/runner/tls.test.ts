import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, describe, expect, test } from "vitest";
import { parseTls } from "../../runner/src/db/connection/tls.ts";
import { parseDbUrl } from "../../runner/src/db/connection/url.ts";
import { withoutTls } from "../../runner/src/db/connection/url-parameters.ts";
import { makeCertificate } from "../support/database/certificates.ts";

const folder = mkdtempSync(join(tmpdir(), "r3a-tls-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const [own, other] = ["own", "other"].map((commonName) => makeCertificate({ commonName }));
const cert = file("own.pem", own?.cert ?? "");
const key = file("own.key", own?.key ?? "");
const otherKey = file("other.key", other?.key ?? "");
const garbage = file("garbage.pem", "nothing of the kind");

const NETWORK = "postgresql://u:p@db.example/d";
const LOCAL = "postgresql://u:p@127.0.0.1/d";

test.each([
  [NETWORK, "full"],
  [`${NETWORK}?sslmode=disable`, "plain"],
  [`${NETWORK}?sslmode=allow`, "full"],
  [`${NETWORK}?sslmode=prefer`, "full"],
  [`${NETWORK}?sslmode=require`, "full"],
  [`${NETWORK}?sslmode=verify-ca`, "full"],
  [`${NETWORK}?sslmode=verify-full`, "full"],
  [`${NETWORK}?sslmode=no-verify`, "unverified"],
  [`${NETWORK}?ssl=true`, "full"],
  [`${NETWORK}?ssl=1&sslmode=require`, "full"],
  [`${NETWORK}?ssl=no-verify`, "unverified"],
  [`${NETWORK}?ssl=0&sslmode=disable`, "plain"],
  [`${NETWORK}?uselibpqcompat=true`, "full"],
  [`${NETWORK}?uselibpqcompat=true&sslmode=disable`, "plain"],
  [`${NETWORK}?uselibpqcompat=true&sslmode=prefer`, "unverified"],
  [`${NETWORK}?uselibpqcompat=true&sslmode=require`, "unverified"],
  [`${NETWORK}?uselibpqcompat=true&sslmode=require&sslrootcert=${cert}`, "chain"],
  [`${NETWORK}?uselibpqcompat=true&sslmode=verify-ca&sslrootcert=${cert}`, "chain"],
  [`${NETWORK}?uselibpqcompat=true&sslmode=require&sslrootcert=system`, "full"],
  [`${NETWORK}?uselibpqcompat=true&sslmode=verify-full`, "full"],
  [`${NETWORK}?sslnegotiation=direct`, "full"],
  [LOCAL, "plain"],
  [`${LOCAL}?ssl=false`, "plain"],
  [`${LOCAL}?sslmode=require`, "full"],
  [`${LOCAL}?sslrootcert=${cert}`, "full"],
  [`${LOCAL}?sslnegotiation=direct`, "full"],
  ["postgresql://u@localhost/d", "plain"],
  ["postgresql://u@LocalHost:1/d", "plain"],
  ["postgresql://u@127.8.9.1/d", "plain"],
  ["postgresql://u@[::1]/d", "plain"],
  ["postgresql://u@[::ffff:127.0.0.1]/d", "plain"],
  ["postgresql://u@[::ffff:10.0.0.1]/d", "full"],
  ["postgresql://u@[fe80::1]/d", "full"],
  ["postgresql://u@10.244.0.1/d", "full"],
  ["postgresql://u@0.0.0.0/d", "full"],
  ["postgresql://u@127.0.0.1.example/d", "full"],
  ["postgresql://u@localhost.example/d", "full"],
  ["postgresql://u@%2Fvar%2Frun%2Fpostgresql/d", "plain"],
  ["postgresql://u@%2Fvar%2Frun%2Fpostgresql/d?sslmode=verify-full", "plain"],
  ["postgresql://u@db.example/d?host=/var/run", "plain"],
  // the driver connects to the host of the parameter
  ["postgresql://u@localhost/d?host=db.example", "full"],
  ["postgresql://u@db.example/d?host=127.0.0.1", "plain"],
  ["postgresql://u@localhost/d?host=127.0.0.1&host=db.example", "full"],
])("%s is %s, to the host that the driver takes", (url, trust) => {
  const tls = parseTls(url);
  expect(tls.trust).toBe(trust);
  expect(typeof tls.ssl).toBe(trust === "plain" ? "boolean" : "object");
  if (typeof tls.ssl === "object") expect(tls.ssl.rejectUnauthorized).toBe(trust !== "unverified");
  expect(new pg.Client({ connectionString: withoutTls(url) }).host).toBe(tls.host);
});

test.each<[string, RegExp]>([
  ["sslmode=bogus", /^has sslmode=bogus; it must be one of disable, no-verify, allow, .*verify-full$/],
  ["sslmode=REQUIRE", /it must be one of/],
  ["sslmode=", /^has sslmode=; it must be one of/],
  ["sslmode=disable&sslmode=require", /^has sslmode more than once$/],
  ["SSLMODE=disable", /^has the parameter SSLMODE, which is not known: of TLS there are sslmode, /],
  ["sslRootCert=/x", /^has the parameter sslRootCert, which is not known/],
  ["ssl=yes", /^has ssl=yes; it must be one of true, 1, false, 0, no-verify$/],
  ["ssl=true&sslmode=disable", /^has ssl=true and sslmode=disable, which contradict each other/],
  ["ssl=no-verify&sslmode=require", /contradict each other/],
  ["ssl=true&sslmode=no-verify", /contradict each other/],
  ["ssl=0", /^has ssl=0: plain text over a network is taken only as sslmode=disable$/],
  ["ssl=false", /only as sslmode=disable/],
  [`sslmode=disable&sslrootcert=${cert}`, /^has sslrootcert=\S+, which .* has no use for/],
  [`sslmode=no-verify&sslrootcert=${cert}`, /^has sslrootcert=\S+, which .* has no use for/],
  ["sslmode=disable&sslnegotiation=direct", /^has sslnegotiation=direct, which/],
  ["sslmode=disable&channel_binding=require", /^has channel_binding=require, which/],
  ["channel_binding=always", /must be one of disable, prefer, require/],
  ["uselibpqcompat=yes", /must be one of true, false/],
  ["ssl_min_protocol_version=SSLv3", /must be one of TLSv1\.2, TLSv1\.3/],
  [
    "sslrootcert=/nonexistent/ca.pem",
    /^has sslrootcert=\/nonexistent\/ca\.pem, which cannot be read \(ENOENT/,
  ],
  [`sslrootcert=${folder}`, /^has sslrootcert=\S+, which cannot be read \(EISDIR/],
  ["sslrootcert=", /^has sslrootcert without a value$/],
  [`sslrootcert=${garbage}`, /^has sslrootcert=\S+garbage\.pem, which holds no certificate that can be read/],
  [`sslcert=${cert}`, /^has one of sslcert and sslkey, which go together$/],
  [`sslcert=${cert}&sslkey=${garbage}`, /^has sslkey=\S+, which holds no key that can be read/],
  [`sslcert=${cert}&sslkey=${otherKey}`, /sslkey is the key of another one$/],
  [`sslcert=/no/c&sslkey=/no/k`, /^has sslcert=\/no\/c, which .*; it has sslkey=\/no\/k, which /],
])("?%s is refused with its reason", (query, reason) => {
  expect(() => parseTls(`${NETWORK}?${query}`)).toThrow(reason);
  expect(() => parseDbUrl(`${NETWORK}?${query}`)).toThrow(reason);
});

describe("what the driver gets", () => {
  test("is no word of TLS, and everything else as it stood", () => {
    const url =
      "postgresql://u:p%40%20s@db.example:6432/my%20d?sslmode=require&application_name=a%20b&sslrootcert=x";
    expect(withoutTls(url)).toBe("postgresql://u:p%40%20s@db.example:6432/my%20d?application_name=a+b");
    const { user, password, database, port } = new pg.Client({ connectionString: withoutTls(url) });
    expect([user, password, database, port]).toEqual(["u", "p@ s", "my d", 6432]);
    expect(withoutTls(NETWORK)).toBe(NETWORK);
  });

  test("are the files' own texts, and the lowest version of TLS", () => {
    const tls = parseTls(
      `${NETWORK}?sslrootcert=${cert}&sslcert=${cert}&sslkey=${key}&ssl_min_protocol_version=TLSv1.3`,
    );
    expect(tls.ssl).toEqual({
      ...{ ca: own?.cert, cert: own?.cert, key: own?.key },
      ...{ rejectUnauthorized: true, minVersion: "TLSv1.3" },
    });
    expect(tls.rootCert).toBe(cert);
  });

  test("are the roots of Node and of the machine for sslrootcert=system", () => {
    const { ssl } = parseTls(`${NETWORK}?sslrootcert=system`);
    expect(ssl === false ? [] : ssl.ca).toEqual(
      expect.arrayContaining([expect.stringMatching(/^-----BEGIN/)]),
    );
  });
});

test("the folder of a socket may stand in ?host= alone", () => {
  expect(parseDbUrl("postgresql:///d?host=/var/run")).toBe("postgresql://localhost/d?host=/var/run");
  expect(parseDbUrl("postgresql+psycopg2://u:p@/d?port=5433&host=/run")).toBe(
    "postgresql://u:p@localhost/d?port=5433&host=/run",
  );
  expect(new pg.Client({ connectionString: parseDbUrl("postgresql:///d?host=/var/run") }).host).toBe(
    "/var/run",
  );
  expect(() => parseDbUrl("postgresql:///d")).toThrow(/must look like/);
  expect(() => parseDbUrl("postgresql:///d?host=a,b")).toThrow(/must name one host/);
  expect(() => parseDbUrl("postgresql://a,b/d")).toThrow(/must name one host/);
});
