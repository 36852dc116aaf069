import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createExchangeTransport } from "../../runner/src/exchange/transport.ts";
import { makeCertificate } from "../support/database/certificates.ts";

const BODY = JSON.stringify(Array.from({ length: 1000 }, (_, index) => [index, "8819.15000000"]));
const EXPECTED = { bytes: 100_000, read: (body: Buffer) => body.toString() };
const closers: (() => void)[] = [];

afterEach(() => {
  vi.unstubAllEnvs();
  for (const close of closers.splice(0)) close();
});

async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  certificate?: { readonly cert: string; readonly key: string },
) {
  const server = certificate ? createTlsServer(certificate, answer) : createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { server, url: `${certificate ? "https" : "http"}://127.0.0.1:${port}/` };
}

/** Answers with these bytes as they are, and leaves the connection open. */
async function serveBytes(...parts: readonly (string | Buffer)[]) {
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      for (const part of parts) socket.write(part);
    });
    closers.push(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const open = (timeoutMs = 5_000, signal = new AbortController().signal) => {
  const send = createExchangeTransport(timeoutMs, 2, signal);
  return (url: string) => send(url, {}, EXPECTED);
};

test("an answer comes whole, with its status and headers, plain or gzipped", async () => {
  const { url } = await serve((request, response) => {
    expect(request.headers["accept-encoding"]).toBe("gzip");
    const isZipped = request.url === "/zipped";
    response.writeHead(429, { "retry-after": "7", ...(isZipped ? { "content-encoding": "gzip" } : {}) });
    response.end(isZipped ? gzipSync(BODY) : BODY);
  });
  const send = open();
  for (const path of ["", "zipped"]) {
    const answer = await send(url + path);
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
  for (let round = 0; round < 3; round += 1) await Promise.all(Array.from({ length: 5 }, () => send(url)));
  expect(connections).toBe(2);
});

test.each<[string, (response: ServerResponse) => void]>([
  ["never begins", () => {}],
  [
    "begins and stalls",
    (response) => response.writeHead(200, { "content-length": BODY.length }).write(BODY.slice(0, 100)),
  ],
  [
    "comes in drops without an end",
    (response) => {
      const drip = setInterval(() => response.write(" "), 20);
      closers.push(() => clearInterval(drip));
    },
  ],
])("an answer that %s fails as a time-out", async (_, answer) => {
  const { url } = await serve((_request, response) => answer(response));
  await expect(open(200)(url)).rejects.toMatchObject({ name: "ExchangeFailure", kind: "timeout" });
});

test("an answer that is cut short is garbage, not a refusal", async () => {
  const { url } = await serve((_, response) => {
    response
      .writeHead(200, { "content-length": BODY.length })
      .write(BODY.slice(0, 100), () => response.destroy());
  });
  await expect(open()(url)).rejects.toMatchObject({ kind: "garbage" });
});

describe("the encoding of an answer", () => {
  const zipped = gzipSync(BODY);
  const ask = async (encoding: string | readonly string[], body: Buffer | string) => {
    const { url } = await serve((_, response) =>
      response.writeHead(200, { "content-encoding": encoding as string }).end(body),
    );
    return (await open()(url)).text();
  };

  test.each(["gzip", "GZIP", "x-gzip", "X-Gzip"])("%s is inflated", async (encoding) => {
    expect(await ask(encoding, zipped)).toBe(BODY);
  });

  test("of two members is inflated whole, and identity is left as it is", async () => {
    expect(await ask("gzip", Buffer.concat([gzipSync("[1,"), gzipSync("2]")]))).toBe("[1,2]");
    expect(await ask("identity", BODY)).toBe(BODY);
  });

  test.each<[string, string | readonly string[], Buffer | string]>([
    ["gzip that is cut", "gzip", zipped.subarray(0, zipped.length - 20)],
    ["gzip that is none", "gzip", BODY],
    ["gzip of nothing", "gzip", ""],
    ["deflate, which nobody asked for", "deflate", BODY],
    ["br", "br", BODY],
    ["two encodings in one header", "gzip, gzip", zipped],
    ["two headers", ["gzip", "gzip"], zipped],
  ])("%s is garbage", async (_, encoding, body) => {
    await expect(ask(encoding, body)).rejects.toMatchObject({ kind: "garbage" });
  });
});

describe("an answer that is too large is garbage, and the connection is given up", () => {
  const chunk = Buffer.alloc(64_000, 0x20);
  const pour = (response: ServerResponse) => {
    const more = () => {
      while (!response.destroyed && response.write(chunk));
      if (!response.destroyed) response.once("drain", more);
    };
    more();
  };

  test.each<[string, (response: ServerResponse) => void]>([
    ["by one byte", (response) => response.end(Buffer.alloc(EXPECTED.bytes + 1, 0x20))],
    ["without an end", pour],
    [
      "and says that it is short",
      (response) => pour(response.writeHead(200, { "transfer-encoding": "chunked" })),
    ],
    [
      "once it is inflated",
      (response) =>
        response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(50_000_000))),
    ],
  ])("%s", async (_, answer) => {
    const { server, url } = await serve((_request, response) => answer(response));
    await expect(open()(url)).rejects.toMatchObject({
      kind: "garbage",
      message: `the answer is larger than ${EXPECTED.bytes} bytes`,
    });
    await expect
      .poll(() => new Promise((resolve) => server.getConnections((_error, count) => resolve(count))))
      .toBeLessThanOrEqual(1);
  });

  test("but the last byte that may come does not make it so", async () => {
    const { url } = await serve((_, response) => response.end(Buffer.alloc(EXPECTED.bytes, 0x20)));
    expect((await (await open()(url)).text()).length).toBe(EXPECTED.bytes);
  });

  test("and a refusal keeps its status, however long or broken its words are", async () => {
    for (const headers of [{}, { "content-encoding": "gzip" }, { "content-encoding": "br" }]) {
      const { url } = await serve((_, response) => pour(response.writeHead(503, headers)));
      expect((await open()(url)).status).toBe(503);
    }
  });
});

describe("what is no answer of HTTP", () => {
  test.each<[string, readonly string[]]>([
    ["no HTTP at all", ["hello\r\n\r\n"]],
    ["100 kB of headers", [`HTTP/1.1 200 OK\r\nx: ${"x".repeat(100_000)}\r\n\r\n`]],
    ["10,000 headers", [`HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(10_000)}\r\n`]],
    ["two lengths", ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n[]"]],
    ["a length below 0", ["HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n[]"]],
    [
      "a part of a length that is no number",
      ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n[]"],
    ],
    [
      "trailers without an end",
      [`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n${"x: y\r\n".repeat(20_000)}`],
    ],
    ["another protocol", ["HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"]],
  ])("is garbage: %s", async (_, parts) => {
    await expect(open(2_000)(await serveBytes(...parts))).rejects.toMatchObject({ kind: "garbage" });
  });

  test("answers of 1xx are passed over, and a trailer changes nothing", async () => {
    const url = await serveBytes(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\nretry-after: 9\r\n\r\n",
    );
    const answer = await open()(url);
    expect([answer.status, await answer.text(), answer.headers["retry-after"]]).toEqual([
      200,
      "[]",
      undefined,
    ]);
  });
});

test("a connection that is refused or dropped means an exchange that is away", async () => {
  const { server, url } = await serve((_, response) => response.destroy());
  await expect(open()(url)).rejects.toMatchObject({ kind: "unavailable" });
  await new Promise((resolve) => server.close(resolve));
  await expect(open()(url)).rejects.toMatchObject({ kind: "unavailable", cause: { code: "ECONNREFUSED" } });
});

test("a certificate that nobody trusts is refused, whatever NODE_TLS_REJECT_UNAUTHORIZED says", async () => {
  vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
  let requests = 0;
  const { url } = await serve(
    () => {
      requests += 1;
    },
    makeCertificate({ commonName: "stranger", hosts: ["127.0.0.1"] }),
  );
  await expect(open()(url)).rejects.toMatchObject({ kind: "certificate" });
  expect(requests).toBe(0);
});

test("a redirect is not followed", async () => {
  const { url } = await serve((_, response) => response.writeHead(302, { location: "/elsewhere" }).end());
  expect((await open()(url)).status).toBe(302);
});

test("a request fails with the reason of the run's stop, before and in the middle of an answer", async () => {
  const { url } = await serve((_, response) => response.writeHead(200).write("["));
  const stop = new AbortController();
  const send = open(5_000, stop.signal);
  const underway = send(url);
  setTimeout(() => stop.abort(new Error("the deadline passed")), 50);
  await expect(underway).rejects.toThrow("the deadline passed");
  await expect(send(url)).rejects.toThrow("the deadline passed");
});
