import type { IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Expectation } from "./belief/sizes.ts";
import { ExchangeFailure, failureOfConnection, garbage } from "./failure.ts";

/**
 * By require: an import binds every name of the module, and that of its WebSocket loads the whole of undici (45 ms of
 * each start, measured).
 */
const load = createRequire(import.meta.url);
const http = load("node:http") as typeof import("node:http");
const https = load("node:https") as typeof import("node:https");

/** An answer in the shape that ccxt reads; the body is complete before anybody sees it. */
type WholeAnswer = {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: () => Promise<string>;
};

/** A page of words for people; what is longer does not change what the status means. */
const ERROR_BYTES = 64_000;

const inflate = promisify(gunzip);

/**
 * GET over Node's own client with kept-alive connections: half the memory (20 MB) and a third of the processor time of
 * the built-in fetch, whose first use alone takes 50 ms of a minute job. `timeoutMs` covers the whole answer, body
 * included; redirects are not followed, they come out as their status. No answer takes more memory than is expected of
 * it. Fails with an ExchangeFailure of kind `timeout`, `garbage` (cut short, too large, not to be read), `certificate`
 * or `unavailable`, or with the run's own reason when that stops.
 */
export function createExchangeTransport(timeoutMs: number, connections: number, runSignal: AbortSignal) {
  const options = { keepAlive: true, maxSockets: connections, scheduling: "lifo" } as const;
  // said even though it is the default: NODE_TLS_REJECT_UNAUTHORIZED=0 would switch the check off
  const secure = new https.Agent({ ...options, rejectUnauthorized: true });
  const agents = { "http:": new http.Agent(options), "https:": secure };

  return async (
    address: string,
    headers: Readonly<Record<string, string>>,
    expected: Expectation,
  ): Promise<WholeAnswer> => {
    const timeout = AbortSignal.timeout(timeoutMs);
    const url = new URL(address);
    try {
      const signal = AbortSignal.any([runSignal, timeout]);
      return await receive(await ask(url, headers, signal), expected, signal);
    } catch (error) {
      runSignal.throwIfAborted();
      if (error instanceof ExchangeFailure) throw error;
      if (timeout.aborted)
        throw new ExchangeFailure("timeout", `no complete answer within ${timeoutMs} ms`, { cause: error });
      throw failureOfConnection(error, url.host);
    }
  };

  function ask(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const isSecure = url.protocol === "https:";
    const answered = Promise.withResolvers<IncomingMessage>();
    const request = (isSecure ? https : http).get(url, {
      agent: agents[isSecure ? "https:" : "http:"],
      headers: { ...headers, "accept-encoding": "gzip" },
      signal,
    });
    // the second listener stays for errors after the answer began: the body's reader reports those
    request.once("response", answered.resolve).on("error", answered.reject);
    request.once("upgrade", (_, socket) => {
      socket.destroy();
      answered.reject(garbage("the answer changes to another protocol (HTTP 101)"));
    });
    return answered.promise;
  }
}

async function receive(
  answer: IncomingMessage,
  expected: Expectation,
  signal: AbortSignal,
): Promise<WholeAnswer> {
  const { statusCode: status = 0, statusMessage: statusText = "", headers } = answer;
  const text = await (status === 200 ? readGood(answer, expected, signal) : readBad(answer, signal));
  return { status, statusText, headers, text: async () => text };
}

async function readGood(
  answer: IncomingMessage,
  expected: Expectation,
  signal: AbortSignal,
): Promise<string> {
  const sent = await readBody(answer, expected.bytes, signal);
  if (sent.length > expected.bytes) throw tooLarge(expected.bytes);
  return expected.read(await decode(answer, sent, expected.bytes));
}

/** The words of an answer whose status says enough; what of them cannot be read is left out. */
async function readBad(answer: IncomingMessage, signal: AbortSignal): Promise<string> {
  try {
    const sent = await readBody(answer, ERROR_BYTES, signal);
    return (await decode(answer, sent, ERROR_BYTES)).toString("utf8", 0, ERROR_BYTES);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ExchangeFailure) return "";
    throw error;
  }
}

/** The body up to the part that goes beyond `most` bytes, after which nothing more is taken from the connection. */
async function readBody(answer: IncomingMessage, most: number, signal: AbortSignal): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of answer) {
      parts.push(part);
      bytes += part.length;
      if (bytes > most) break; // which destroys the answer and its connection
    }
  } catch (error) {
    // a body that ends before its length is an answer, and a bad one; the caller's own abort is neither
    signal.throwIfAborted();
    throw garbage("the answer was cut short", error);
  }
  return Buffer.concat(parts, bytes);
}

async function decode(answer: IncomingMessage, sent: Buffer, most: number): Promise<Buffer> {
  const encoding = (answer.headers["content-encoding"] ?? "").trim().toLowerCase();
  if (encoding === "" || encoding === "identity") return sent;
  if (encoding !== "gzip" && encoding !== "x-gzip")
    throw garbage("the answer has an encoding that R3A did not ask for");
  try {
    return await inflate(sent, { maxOutputLength: most });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(most);
    throw garbage("the answer is not a whole gzip file", error);
  }
}

function tooLarge(most: number): ExchangeFailure {
  return garbage(`the answer is larger than ${most} bytes`);
}
