import { chmod, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { type Certificate, makeCertificate } from "./certificates.ts";
import { withSession } from "./empty-database.ts";
import { type OwnServer, useOwnServer } from "./own-server.ts";

export type TlsServer = {
  readonly server: OwnServer;
  /** Signs what `present` is given by default. */
  readonly authority: Certificate;
  /** A file in a folder that goes with the test file. */
  file(name: string, text: string): Promise<string>;
  /** The server shows this certificate to new connections; null: it has no TLS. */
  present(certificate: Certificate | null): Promise<void>;
  /** DB_URL of the server by another host and with these words. */
  url(query: string, host?: string): string;
};

/** A server of the test file's own, whose certificate changes from test to test. */
export function useTlsServer(): TlsServer {
  const server = useOwnServer();
  const authority = makeCertificate({ commonName: "authority of the tests", isAuthority: true });
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "r3a-tls-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return {
    server,
    authority,
    async file(name, text) {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    },
    present: (certificate) => presentCertificate(server, certificate),
    url(query, host = "127.0.0.1") {
      const url = new URL(server.url);
      url.hostname = host;
      url.search = query;
      return url.href;
    },
  };
}

/** New connections get this certificate; null: the server has no TLS. */
export async function presentCertificate(server: OwnServer, certificate: Certificate | null): Promise<void> {
  await switchTls(server, "off");
  if (certificate === null) return;
  const { dataDir, account } = server.place;
  for (const [name, text] of [
    ["server.crt", certificate.cert],
    ["server.key", certificate.key],
  ] as const) {
    const path = join(dataDir, name);
    await writeFile(path, text);
    await chmod(path, 0o600);
    if (account !== undefined) await chown(path, account.uid, account.gid);
  }
  await switchTls(server, "on");
}

async function switchTls({ url }: OwnServer, to: "on" | "off"): Promise<void> {
  await withSession(url, async (client) => {
    await client.query(`alter system set ssl = ${to}`);
    await client.query("select pg_reload_conf()");
    while (
      (await client.query("select from pg_settings where name = 'ssl' and setting = $1", [to])).rowCount === 0
    );
  });
}
