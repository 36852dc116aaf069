import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { createExchangeTransport } from "../../runner/src/exchange/transport.ts";
import { makeCertificate } from "../support/database/certificates.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const close of closers.splice(0)) close();
});

test("a certificate that nobody trusts is refused, whatever NODE_TLS_REJECT_UNAUTHORIZED says", async () => {
  vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
  let requests = 0;
  const { cert, key } = makeCertificate({ commonName: "stranger", hosts: ["127.0.0.1"] });
  const server = createServer({ cert, key }, (_, response) => {
    requests += 1;
    response.end("[]");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const send = createExchangeTransport(5_000, 2, new AbortController().signal);
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await expect(send(url, {}, { bytes: 1_000, read: String })).rejects.toMatchObject({ kind: "certificate" });
  expect(requests).toBe(0);
});
