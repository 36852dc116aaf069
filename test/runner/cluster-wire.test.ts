import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { HttpMethod, RequestContext } from "@kubernetes/client-node";
import { afterEach, expect, test } from "vitest";
import { sendOverWire } from "../../runner/src/cluster/wire.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that answers as given; what it heard, and its address. */
async function serve(status: number, headers: Readonly<Record<string, string>>, text: string) {
  const heard: { readonly line: string; readonly body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += String(part);
    heard.push({ line: `${request.method} ${request.url}`, body });
    response.writeHead(status, headers).end(text);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

// a kubeconfig with a token alone, for a server that a public authority vouches for
test("without connections of the account's own a redirect is not followed either", async () => {
  const other = await serve(200, {}, "{}");
  const server = await serve(307, { location: `${other.url}/x` }, "moved");
  const request = new RequestContext(`${server.url}/api/v1/pods?limit=1`, HttpMethod.DELETE);
  request.setBody('{"a":1}');
  request.setSignal(AbortSignal.timeout(5_000));
  const answer = await sendOverWire(request, undefined);
  expect([answer.status, answer.text, answer.headers.location]).toEqual([307, "moved", `${other.url}/x`]);
  expect(Number.isNaN(Date.parse(answer.headers.date ?? ""))).toBe(false);
  expect(server.heard).toEqual([{ line: "DELETE /api/v1/pods?limit=1", body: '{"a":1}' }]);
  expect(other.heard).toEqual([]);
});

test("a request is cut by its signal", async () => {
  const server = await serve(200, {}, "{}");
  const request = new RequestContext(server.url, HttpMethod.GET);
  request.setSignal(AbortSignal.abort(new Error("enough")));
  await expect(sendOverWire(request, undefined)).rejects.toThrow("enough");
});
