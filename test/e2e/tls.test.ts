import { chmod, copyFile, readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { DAY_MS } from "../../runner/src/time.ts";
import { makeCertificate } from "../support/database/certificates.ts";
import { withSession } from "../support/database/empty-database.ts";
import { useTlsServer } from "../support/database/tls-server.ts";
import { runRunner } from "../support/runner.ts";

const tls = useTlsServer();
const HOSTS = ["localhost", "127.0.0.1"];
const waitDb = (url: string, env: Record<string, string> = {}) =>
  runRunner(["wait-db", "--timeout", "5"], { DB_URL: url, ...env });

const signed = (change: Partial<Parameters<typeof makeCertificate>[0]> = {}) =>
  makeCertificate({ commonName: "db", hosts: HOSTS, issuer: tls.authority, ...change });
const authorityFile = () => tls.file("authority.pem", tls.authority.cert);

test("a certificate of an own authority is taken with its file, by name and by address, and by NODE_EXTRA_CA_CERTS", async () => {
  await tls.present(signed());
  const ca = await authorityFile();
  for (const mode of ["verify-full", "verify-ca", "require", "prefer", "allow"])
    for (const host of HOSTS) {
      const { code, stderr } = await waitDb(tls.url(`sslmode=${mode}&sslrootcert=${ca}`, host));
      // the driver warns of modes that will mean less: it never sees them
      expect([mode, host, code, stderr]).toEqual([mode, host, 0, ""]);
    }
  const extra = await waitDb(tls.url("sslmode=verify-full"), { NODE_EXTRA_CA_CERTS: ca });
  expect([extra.code, extra.stderr]).toEqual([0, ""]);
  const { rows } = await withSession(tls.url(`sslrootcert=${ca}`), (client) =>
    client.query<{ knows: boolean }>("select current_setting('server_version_num')::int >= 170000 as knows"),
  );
  // older servers hang up on a client that begins with TLS at once
  const direct = await waitDb(tls.url(`sslrootcert=${ca}&sslnegotiation=direct`));
  expect(direct.code).toBe(rows[0]?.knows === true ? 0 : 75);
});

test("what is not to be trusted is a fault of DB_URL with host, reason and remedy, however softly it was asked for", async () => {
  const ca = await authorityFile();
  const cases = [
    [
      "an unknown authority",
      signed(),
      "",
      /to 127\.0\.0\.1: .* \((UNABLE_TO_\w+|SELF_SIGNED\w+)\): write sslrootcert=FILE/,
    ],
    [
      "self-signed",
      makeCertificate({ commonName: "db", hosts: HOSTS }),
      "",
      /: self-signed certificate \(DEPTH_ZERO_SELF_SIGNED_CERT\): write sslrootcert=FILE/,
    ],
    [
      "another authority's",
      makeCertificate({
        commonName: "db",
        hosts: HOSTS,
        issuer: makeCertificate({ commonName: "authority of the tests", isAuthority: true }),
      }),
      `&sslrootcert=${ca}`,
      /\(\w+\): /,
    ],
    [
      "another host's",
      signed({ hosts: ["db.example"] }),
      `&sslrootcert=${ca}`,
      /ERR_TLS_CERT_ALTNAME_INVALID\): let DB_URL name a host that the certificate is for/,
    ],
    [
      "expired",
      signed({ from: new Date(Date.now() - 9 * DAY_MS), to: new Date(Date.now() - DAY_MS) }),
      `&sslrootcert=${ca}`,
      /CERT_HAS_EXPIRED\): renew the server's certificate/,
    ],
    [
      "of the future",
      signed({ from: new Date(Date.now() + DAY_MS) }),
      `&sslrootcert=${ca}`,
      /CERT_NOT_YET_VALID\): .*set this machine's clock/,
    ],
  ] as const;
  for (const [name, certificate, query, reason] of cases) {
    await tls.present(certificate);
    for (const mode of ["verify-full", "require", "prefer"]) {
      const { code, stderr, stdout, ms } = await waitDb(tls.url(`sslmode=${mode}${query}`));
      expect([name, mode, code, stdout]).toEqual([name, mode, 78, ""]);
      expect(stderr).toMatch(/^settings are wrong:\n {2}- DB_URL: no verified connection to 127\.0\.0\.1: /);
      expect(stderr).toMatch(reason);
      expect(stderr).not.toMatch(/SECURITY WARNING|use-system-ca/);
      expect(ms).toBeLessThan(10_000);
    }
  }
  for (const command of [
    "migrate",
    "sync 1h --symbols BTCUSDT",
    "health",
    "candles BTCUSDT 1h",
    "maint",
    "migrate-layout",
  ]) {
    const { code, stderr } = await runRunner(command.split(" "), {
      DB_URL: tls.url(`sslmode=require&sslrootcert=${ca}`),
    });
    expect([command, code, stderr.includes("CERT_NOT_YET_VALID")]).toEqual([command, 78, true]);
  }
});

test("no-verify and the weak words of libpq take any certificate, and still encrypt", async () => {
  await tls.present(makeCertificate({ commonName: "nobody" }));
  for (const query of ["sslmode=no-verify", "ssl=no-verify", "uselibpqcompat=true&sslmode=require"]) {
    const { code, stderr } = await waitDb(tls.url(query));
    expect([query, code, stderr]).toEqual([query, 0, ""]);
  }
  await tls.present(signed({ hosts: ["db.example"] }));
  const chain = await waitDb(
    tls.url(`uselibpqcompat=true&sslmode=verify-ca&sslrootcert=${await authorityFile()}`),
  );
  expect([chain.code, chain.stderr]).toEqual([0, ""]);
});

test("a server without TLS is named with the words that would take plain text", async () => {
  await tls.present(null);
  const { code, stderr } = await waitDb(tls.url("sslmode=require"));
  expect(code).toBe(78);
  expect(stderr).toMatch(
    /DB_URL: the server at 127\.0\.0\.1 offers no TLS: switch it on there .* write \?sslmode=disable at the end of DB_URL/,
  );
  expect((await waitDb(tls.url(""))).code).toBe(0);
  expect((await waitDb(tls.url("sslmode=disable"))).code).toBe(0);
});

test("a client certificate is shown to a server that asks for one", async () => {
  await tls.present(signed());
  const ca = await authorityFile();
  const mine = makeCertificate({ commonName: "postgres", issuer: tls.authority });
  const [cert, key] = [await tls.file("mine.pem", mine.cert), await tls.file("mine.key", mine.key)];
  const { dataDir } = tls.server.place;
  await copyFile(ca, `${dataDir}/root.crt`);
  await chmod(`${dataDir}/root.crt`, 0o644);
  const rules = await readFile(`${dataDir}/pg_hba.conf`, "utf8");
  await writeFile(`${dataDir}/pg_hba.conf`, `hostssl r3a all 127.0.0.1/32 cert\n${rules}`);
  await withSession(tls.url("", "127.0.0.1"), async (client) => {
    await client.query("alter system set ssl_ca_file = 'root.crt'");
    await client.query("select pg_reload_conf()");
  });
  const asked = await waitDb(tls.url(`sslrootcert=${ca}`));
  expect([asked.code, asked.stderr]).toEqual([78, expect.stringMatching(/certificate/)]);
  const shown = await waitDb(tls.url(`sslrootcert=${ca}&sslcert=${cert}&sslkey=${key}`));
  expect([shown.code, shown.stderr]).toEqual([0, ""]);
});

test("channel_binding=require is kept by a server that offers it, and refused by one that asks for less", async () => {
  await tls.present(signed({ hosts: HOSTS }));
  const ca = await authorityFile();
  const { dataDir } = tls.server.place;
  const rules = (await readFile(`${dataDir}/pg_hba.conf`, "utf8")).replace(/^hostssl .*\n/, "");
  const allow = async (method: string) => {
    await writeFile(`${dataDir}/pg_hba.conf`, `hostssl r3a all 127.0.0.1/32 ${method}\n${rules}`);
    await withSession(tls.server.urlOf("postgres"), (client) => client.query("select pg_reload_conf()"));
  };
  await allow("scram-sha-256");
  for (const binding of ["require", "prefer"]) {
    const { code, stderr } = await waitDb(tls.url(`sslrootcert=${ca}&channel_binding=${binding}`));
    expect([binding, code, stderr]).toEqual([binding, 0, ""]);
  }
  for (const method of ["password", "trust"]) {
    await allow(method);
    const { code, stderr } = await waitDb(tls.url(`sslrootcert=${ca}&channel_binding=require`));
    expect([method, code]).toEqual([method, 78]);
    expect(stderr).toContain("does not bind the login to its certificate");
  }
});
