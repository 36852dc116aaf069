import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { createTransport } from "../../runner/src/exchange/transport.ts";

const BODY = JSON.stringify(Array.from({ length: 1000 }, (_, index) => [index, "8819.15000000"]));
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

const open = (timeoutMs = 5_000, signal = new AbortController().signal) =>
  createTransport(timeoutMs, 2, signal);

test("an answer comes whole, with its status and headers, plain or gzipped", async () => {
  const { url } = await serve((request, response) => {
    expect(request.headers["accept-encoding"]).toBe("gzip");
    const isZipped = request.url === "/zipped";
    response.writeHead(429, { "retry-after": "7", ...(isZipped ? { "content-encoding": "gzip" } : {}) });
    response.end(isZipped ? gzipSync(BODY) : BODY);
  });
  const send = open();
  for (const path of ["", "zipped"]) {
    const answer = await send(url + path, {});
    expect([answer.status, answer.headers["retry-after"], await answer.text()]).toEqual([429, "7", BODY]);
  }
});

test("connections are kept, and no more of them are opened than allowed", async () => {
  const { server, url } = await serve((_, response) => setTimeout(() => response.end("[]"), 20));
  let connections = 0;
  server.on("connection", () => {
    connections += 1;
  });
  const send = open();
  for (let round = 0; round < 3; round += 1)
    await Promise.all(Array.from({ length: 5 }, () => send(url, {})));
  expect(connections).toBe(2);
});

test.each<[string, (response: ServerResponse) => void]>([
  ["never begins", () => {}],
  [
    "begins and stalls",
    (response) => response.writeHead(200, { "content-length": BODY.length }).write(BODY.slice(0, 100)),
  ],
])("an answer that %s is a time-out of ours", async (_, answer) => {
  const { url } = await serve((_request, response) => answer(response));
  await expect(open(200)(url, {})).rejects.toMatchObject({ name: "ExchangeFailure", kind: "timeout" });
});

test("an answer that is cut short is garbage, not a refusal", async () => {
  const { url } = await serve((_, response) => {
    response
      .writeHead(200, { "content-length": BODY.length })
      .write(BODY.slice(0, 100), () => response.destroy());
  });
  await expect(open()(url, {})).rejects.toMatchObject({ kind: "garbage" });
});

test("a connection that is refused or dropped without a word is an exchange that is away", async () => {
  const { server, url } = await serve((_, response) => response.destroy());
  await expect(open()(url, {})).rejects.toMatchObject({ kind: "unavailable" });
  await new Promise((resolve) => server.close(resolve));
  await expect(open()(url, {})).rejects.toMatchObject({
    kind: "unavailable",
    cause: { code: "ECONNREFUSED" },
  });
});

test("a redirect is not followed", async () => {
  const { url } = await serve((_, response) => response.writeHead(302, { location: "/elsewhere" }).end());
  expect((await open()(url, {})).status).toBe(302);
});

test("when the run stops, its own reason comes out, before and in the middle of an answer", async () => {
  const { url } = await serve((_, response) => response.writeHead(200).write("["));
  const stop = new AbortController();
  const send = open(5_000, stop.signal);
  const underway = send(url, {});
  setTimeout(() => stop.abort(new Error("the deadline passed")), 50);
  await expect(underway).rejects.toThrow("the deadline passed");
  await expect(send(url, {})).rejects.toThrow("the deadline passed");
});
