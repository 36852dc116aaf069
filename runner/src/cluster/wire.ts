import type { RequestContext } from "@kubernetes/client-node";

/** An answer as it came, whatever its status; names of headers in lower case. */
export type WireAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
};

export type Connections = ReturnType<RequestContext["getDispatcher"]>;

/**
 * Sends a request of the client once and follows no redirect: the client's own code would follow a 307 with method and
 * body to any host that the answer names. Without `connections` (no certificate authority and no key of the account's
 * own) Node's fetch sends the request.
 */
export async function sendOverWire(request: RequestContext, connections: Connections): Promise<WireAnswer> {
  const url = new URL(request.getUrl());
  const method = request.getHttpMethod();
  const body = request.getBody();
  const signal = request.getSignal();
  if (body !== undefined && typeof body !== "string")
    throw new Error(`${method} ${url.pathname} has no text`);
  if (connections === undefined) {
    const answer = await fetch(url, {
      method,
      headers: request.getHeaders(),
      redirect: "manual",
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
    return { status: answer.status, headers: Object.fromEntries(answer.headers), text: await answer.text() };
  }
  const { statusCode, headers, ...answer } = await connections.request({
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method,
    headers: request.getHeaders(),
    body: body ?? null,
    signal: signal ?? null,
  });
  return {
    status: statusCode,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value ?? []].flat().join(", ")]),
    ),
    text: await answer.body.text(),
  };
}
