/** Why a request brought nothing usable; decided where the answer arrives, by status and code. */
export type FailureKind =
  | "timeout"
  | "rate-limit"
  | "banned"
  | "held"
  | "region"
  | "unavailable"
  | "garbage"
  | "bad-symbol"
  | "bad-request";

/** `retryAfterMs`: what the exchange asked for, null where it said nothing. `exchangeCode`: its own code, if it gave one. */
export class ExchangeFailure extends Error {
  readonly kind: FailureKind;
  readonly retryAfterMs: number | null;
  readonly exchangeCode: number | null;
  constructor(
    kind: FailureKind,
    message: string,
    options: { retryAfterMs?: number | null; exchangeCode?: number | null; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "ExchangeFailure";
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.exchangeCode = options.exchangeCode ?? null;
  }
}

/** Retries per kind. A ban, a hold and a region are the whole address's business; a bad request stays bad. */
export const RETRIES: Readonly<Record<FailureKind, number>> = {
  timeout: 3,
  "rate-limit": 2,
  unavailable: 3,
  garbage: 2,
  banned: 0,
  held: 0,
  region: 0,
  "bad-symbol": 0,
  "bad-request": 0,
};

/** The exchange is away for everybody: a run in which no series succeeded because of these exits 75. */
export function isTransient(kind: FailureKind): boolean {
  return kind === "timeout" || kind === "rate-limit" || kind === "unavailable";
}

/** The exchange's own codes that mean "busy", whatever the HTTP status (its disconnected, timeout and overload codes). */
const BUSY_CODES = new Set([-1000, -1001, -1004, -1007, -1008]);
const TOO_MANY_REQUESTS = -1003;
const INVALID_SYMBOL = -1121;

/** The failure that an answer with an error status means, null for a good status. `body` is shown cut, it is public; `now` is the exchange's time (ms). */
export function failureOfAnswer(
  status: number,
  headers: ReadonlyMap<string, string>,
  body: string,
  now: number,
): ExchangeFailure | null {
  if (status < 400) return null;
  const code = codeOfBody(body);
  const said = `HTTP ${status}${code === null ? "" : ` (code ${code})`}: ${body.replace(/\s+/g, " ").slice(0, 160)}`;
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : null;
  if (status === 418)
    return new ExchangeFailure("banned", `the exchange banned this address: ${said}`, {
      retryAfterMs: retryAfterMs ?? bannedForMs(body, now),
    });
  if (status === 429 || code === TOO_MANY_REQUESTS)
    return new ExchangeFailure("rate-limit", `too many requests: ${said}`, { retryAfterMs });
  if (status === 451) return new ExchangeFailure("region", `the exchange refuses this region: ${said}`);
  if (status === 403)
    return new ExchangeFailure("held", `the exchange's web firewall holds this address: ${said}`);
  if (status >= 500 || (code !== null && BUSY_CODES.has(code)))
    return new ExchangeFailure("unavailable", `the exchange is not available: ${said}`, { retryAfterMs });
  if (code === INVALID_SYMBOL)
    return new ExchangeFailure("bad-symbol", `the exchange does not know the symbol: ${said}`, {
      exchangeCode: code,
    });
  return new ExchangeFailure("bad-request", `the exchange refused the request: ${said}`, {
    exchangeCode: code,
  });
}

function codeOfBody(body: string): number | null {
  const match = /^\s*\{\s*"code"\s*:\s*(-?\d+)/.exec(body);
  return match === null ? null : Number(match[1]);
}

/** "IP banned until 1700000000000." in a body without Retry-After. */
function bannedForMs(body: string, now: number): number | null {
  const match = /banned until (\d{13})/.exec(body);
  return match === null ? null : Math.max(0, Number(match[1]) - now);
}
