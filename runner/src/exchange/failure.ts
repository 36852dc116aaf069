import { printable } from "../candle/printable.ts";
import { messageOf } from "../errors.ts";
import { believeHold, type Hold } from "./belief/hold.ts";

/** Why a request brought nothing usable; decided where the answer arrives, by status and code. */
export type FailureKind =
  | "timeout"
  | "rate-limit"
  | "banned"
  | "held"
  | "region"
  | "unavailable"
  | "garbage"
  | "certificate"
  | "bad-symbol"
  | "bad-request";

/** `retryAfterMs`: what the exchange asked for, null where it said nothing. `exchangeCode`: its own code, if it gave one. */
export class ExchangeFailure extends Error {
  readonly kind: FailureKind;
  readonly retryAfterMs: Hold | null;
  readonly exchangeCode: number | null;
  constructor(
    kind: FailureKind,
    message: string,
    options: { retryAfterMs?: Hold | null; exchangeCode?: number | null; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "ExchangeFailure";
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.exchangeCode = options.exchangeCode ?? null;
  }
}

/** The failure of an answer that is not what was asked for. */
export function garbage(message: string, cause?: unknown): ExchangeFailure {
  return new ExchangeFailure("garbage", message, { cause });
}

/** Retries per kind. A ban, a hold, a region and a certificate are the whole address's business; a bad request stays bad. */
export const RETRIES: Readonly<Record<FailureKind, number>> = {
  timeout: 3,
  "rate-limit": 2,
  unavailable: 3,
  garbage: 2,
  banned: 0,
  held: 0,
  region: 0,
  certificate: 0,
  "bad-symbol": 0,
  "bad-request": 0,
};

/** Whether the exchange is away for every series: a run in which none succeeded for such a reason exits 75. */
export function isExchangeAway(error: unknown): boolean {
  return error instanceof ExchangeFailure && ["timeout", "rate-limit", "unavailable"].includes(error.kind);
}

/** The exchange's own codes that mean "busy", whatever the HTTP status (its disconnected, timeout and overload codes). */
const BUSY_CODES = new Set([-1000, -1001, -1004, -1007, -1008]);
const TOO_MANY_REQUESTS = -1003;
const INVALID_SYMBOL = -1121;

/** An answer whose status may refuse something. `headers` by names in lower case; `body` is public and shown cut. */
type JudgedAnswer = {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
};

/**
 * The failure that an answer means by its status and code, null for 200. `now` is the exchange's time (ms), or what
 * comes nearest to it.
 */
export function failureOfAnswer(
  { status, headers, body }: JudgedAnswer,
  now: number,
): ExchangeFailure | null {
  if (status === 200) return null;
  const code = codeOfBody(body);
  const said = `HTTP ${status}${code === null ? "" : ` (code ${code})`}: ${printable(body.slice(0, 300).replace(/\s+/g, " "), 160)}`;
  const fail = (kind: FailureKind, message: string) =>
    new ExchangeFailure(kind, `${message}: ${said}`, {
      retryAfterMs: believeHold({ status, retryAfter: headers.get("retry-after"), body }, now),
      exchangeCode: code,
    });
  if (status === 418) return fail("banned", "the exchange banned this address");
  if (status === 429 || (status >= 400 && code === TOO_MANY_REQUESTS))
    return fail("rate-limit", "too many requests");
  if (status === 451) return fail("region", "the exchange refuses this region");
  if (status === 403) return fail("held", "the exchange's web firewall holds this address");
  if (status === 408) return fail("timeout", "the exchange waited for the request too long");
  if (
    (status >= 500 && status < 600) ||
    status === 425 ||
    (status >= 400 && code !== null && BUSY_CODES.has(code))
  )
    return fail("unavailable", "the exchange is not available");
  if (status < 300 || status >= 600)
    return fail("garbage", "the exchange does not use the status of the answer");
  if (status < 400)
    return fail(
      "bad-request",
      `the exchange redirects to ${placeOf(headers.get("location"))}, and R3A follows no redirect; is EXCHANGE_URL right?`,
    );
  if (code === INVALID_SYMBOL) return fail("bad-symbol", "the exchange does not know the symbol");
  return fail("bad-request", "the exchange refused the request");
}

/** OpenSSL's reasons for a certificate, and its alerts; a record that broke on its way is neither. */
const TLS_CODE =
  /^(CERT_|CRL_|UNABLE_TO_|ERROR_IN_|ERR_TLS_CERT|ERR_SSL_|EPROTO$|INVALID_(CA|PURPOSE)$|PATH_LENGTH_EXCEEDED$|HOSTNAME_MISMATCH$|(DEPTH_ZERO_)?SELF_SIGNED_CERT)/;
const BROKEN_RECORD = /BAD_RECORD_MAC|DECRYPTION_FAILED|UNEXPECTED_EOF|INTERNAL_ERROR/i;

/** The failure behind an error of the connection to `host`: its certificate, an answer that is not HTTP, or no server there. */
export function failureOfConnection(error: unknown, host: string): ExchangeFailure {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = messageOf(error);
  if (TLS_CODE.test(code) && !BROKEN_RECORD.test(code + message)) {
    const reason = printable(message.trim().split("\n")[0] ?? "", 200);
    return new ExchangeFailure(
      "certificate",
      `no trusted connection to ${host}: ${reason} (${code}). Does EXCHANGE_URL name the right host and port, and is this machine's clock right? Where a proxy of your own opens TLS, give its certificate by NODE_EXTRA_CA_CERTS`,
      { cause: error },
    );
  }
  if (code.startsWith("HPE_")) return garbage(`the answer is not valid HTTP (${code})`, error);
  return new ExchangeFailure("unavailable", "the exchange cannot be reached", { cause: error });
}

/** The field `code` wherever it stands in the body; of a body that is no whole JSON only where it stands first. */
function codeOfBody(body: string): number | null {
  const code = /^-?\d{1,9}$/.exec(codeField(body));
  return code === null ? null : Number(code[0]);
}

function codeField(body: string): string {
  try {
    const value: unknown = JSON.parse(body.trim());
    return typeof value === "object" && value !== null && "code" in value ? String(value.code) : "";
  } catch {
    // the body was cut, or is a page for people
    return /^\s*\{\s*"code"\s*:\s*(-?\d{1,9})\b/.exec(body)?.[1] ?? "";
  }
}

function placeOf(location: string | undefined): string {
  if (location === undefined) return "an address that it does not name";
  if (!URL.canParse(location)) return "another path of its own";
  const { protocol, host } = new URL(location);
  return printable(`${protocol}//${host}`, 100);
}
