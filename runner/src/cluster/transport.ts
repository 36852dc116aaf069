import type { PromiseHttpLibrary, RequestContext, ResponseContext } from "@kubernetes/client-node";
import { messageOf, SettingsFault, TryAgain } from "../errors.ts";
import { sleep } from "../sleep.ts";
import { MINUTE_MS } from "../time.ts";
import { type ClockLook, lookAtClock } from "./clock.ts";
import { type Connections, sendOverWire, type WireAnswer } from "./wire.ts";

/**
 * The API server refused a request: 403 without a right, 404 for an object that is gone, 409 for one that has changed.
 */
export class ClusterRefusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = "ClusterRefusal";
    this.status = status;
  }
}

/**
 * The server's refusal of one request, 5xx included; null where the server did not answer: it is then away for every
 * request.
 */
export function refusalOf(error: unknown): ClusterRefusal | null {
  const answer = error instanceof TryAgain ? error.cause : error;
  return answer instanceof ClusterRefusal ? answer : null;
}

/** The answer; null where the server refuses the request with this status. */
export async function nullOn<T>(status: number, asked: Promise<T>): Promise<T | null> {
  return asked.catch((error: unknown) => {
    if (error instanceof ClusterRefusal && error.status === status) return null;
    throw error;
  });
}

const REQUEST_MS = 10_000;
/** Tries at a server that is busy. */
const ATTEMPTS = 4;
/** Tries at a server that does not answer: the second one tells a lost packet from a server that is away. */
const SILENT_ATTEMPTS = 2;
/** The longest wait of a command without a deadline. */
const PATIENCE_MS = MINUTE_MS;

/**
 * Sends the client's requests, each with a time limit and the command's signal. A busy server (429: it did nothing yet) is
 * asked again after Retry-After, a silent one once more; so a request may be sent twice, and every delete names the version
 * that it means. `onClock` gets both clocks after each answer. `deadlineAt` counts as performance.now(); null: none.
 * Throws TryAgain where the server stays silent, asks to wait for longer than is left, or, with a ClusterRefusal as cause,
 * has trouble with this request; SettingsFault where it does not know this account or points to another address; and
 * ClusterRefusal for any other refusal.
 */
export function createTransport({
  Response,
  server,
  signal,
  deadlineAt,
  onClock,
}: {
  readonly Response: typeof ResponseContext;
  readonly server: string;
  readonly signal: AbortSignal;
  readonly deadlineAt: number | null;
  readonly onClock: (look: ClockLook) => void;
}): PromiseHttpLibrary {
  let connections: Connections;

  async function sendOnce(request: RequestContext, attempt = 1): Promise<WireAnswer> {
    signal.throwIfAborted();
    // the client would make a new connection for each request, with a TLS handshake every time
    connections ??= request.getDispatcher();
    if (connections !== undefined) request.setDispatcher(connections);
    // the client would choose JSON Patch, which cannot name a condition by its type
    if (request.getHttpMethod() === "PATCH")
      request.setHeaderParam("Content-Type", "application/strategic-merge-patch+json");
    request.setSignal(AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]));
    const sentAt = Date.now();
    try {
      const answer = await sendOverWire(request, connections);
      onClock(lookAtClock(answer.headers.date, sentAt, Date.now()));
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (attempt < SILENT_ATTEMPTS) return sendOnce(request, attempt + 1);
      throw new TryAgain(`the Kubernetes API at ${server} does not answer: ${messageOf(error)}`);
    }
  }

  return {
    async send(request) {
      for (let attempt = 1; ; attempt++) {
        const { status, headers, text } = await sendOnce(request);
        if (status === 429 && attempt < ATTEMPTS) {
          const askedS = Number(headers["retry-after"]);
          const waitS = askedS > 0 ? askedS : attempt;
          const leftMs = deadlineAt === null ? PATIENCE_MS : deadlineAt - performance.now();
          if (waitS * 1000 > leftMs)
            throw new TryAgain(
              `the Kubernetes API at ${server} is busy for ${waitS} s, longer than there is time`,
            );
          await sleep(waitS * 1000, signal);
          continue;
        }
        if (status >= 300 && status < 400)
          throw new SettingsFault([
            `the Kubernetes API at ${server} answered ${status} and points to ${hostOf(headers.location, server)}, which is not followed: what is sent may not go to another place; name the API server itself in the kubeconfig`,
          ]);
        const refusal = new ClusterRefusal(status, `${status}: ${reasonOf(text)}`);
        if (status >= 500 || status === 429)
          throw new TryAgain(`the Kubernetes API at ${server} answered ${refusal.message}`, {
            cause: refusal,
          });
        if (status === 401)
          throw new SettingsFault([
            `the Kubernetes API at ${server} does not know this account (${refusal.message}): log in again, kubectl auth whoami shows as whom; in a pod its token has run out or is another cluster's`,
          ]);
        if (status >= 400) throw refusal;
        const body = {
          text: async () => text,
          binary: async () => Buffer.from(text),
          stream: () => null,
        };
        return new Response(status, { ...headers }, body);
      }
    },
  };
}

/** The host alone: path, query and user of an address may hold a token. */
function hostOf(location: string | undefined, server: string): string {
  if (location === undefined) return "no address";
  return URL.canParse(location, server) ? new URL(location, server).host : "an address that cannot be read";
}

/** The `message` of the Status that the API server answers with; a proxy before the server may answer with any text. */
function reasonOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: string };
    if (typeof message === "string") return message;
  } catch {
    // not JSON
  }
  return text.slice(0, 200);
}
