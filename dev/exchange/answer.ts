/** What is sent back for one request. */
export type Answer = {
  readonly status: number;
  readonly type: "application/json;charset=UTF-8" | "text/html";
  readonly body: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
};

/** An answer with JSON text; of an error Binance sends {code, msg}. */
export function jsonAnswer(value: unknown, status = 200, headers: Record<string, string> = {}): Answer {
  const body = Buffer.from(JSON.stringify(value));
  return { status, type: "application/json;charset=UTF-8", body, headers };
}

/** A page as a web server or firewall before the exchange gives it. */
export function htmlAnswer(status: number, title: string, headers: Record<string, string> = {}): Answer {
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body><center><h1>${title}</h1></center></body>\r\n</html>\r\n`;
  return { status, type: "text/html", body: Buffer.from(body), headers };
}

/** The 418 of a ban that lasts until `until` at the exchange's time `now` (both ms). */
export function bannedAnswer(until: number, now: number): Answer {
  const msg = `Way too much request weight used; IP banned until ${until}. Please use WebSocket Streams for live updates to avoid bans.`;
  return jsonAnswer({ code: -1003, msg }, 418, { "Retry-After": secondsUntil(until, now) });
}

/** The 429 over the limit; `retryAt` in ms. */
export function tooManyAnswer(limit: number, retryAt: number, now: number): Answer {
  const msg = `Too much request weight used; current limit is ${limit} request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.`;
  return jsonAnswer({ code: -1003, msg }, 429, { "Retry-After": secondsUntil(retryAt, now) });
}

function secondsUntil(at: number, now: number): string {
  return String(Math.max(1, Math.ceil((at - now) / 1000)));
}
