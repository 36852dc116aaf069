import { printable } from "../candle/printable.ts";
import { messageOf } from "../errors.ts";
import { StoreFault, type StoreFaultKind, type StorePlace } from "./fault.ts";

type Meaning = { readonly kind: StoreFaultKind; readonly says: string };

const KEYS = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the workload's identity";
const WRONG_KEYS: Meaning = {
  kind: "denied",
  says: `the credentials are not accepted; correct ${KEYS}`,
};
const NO_KEYS: Meaning = { kind: "denied", says: `no credentials were found; set ${KEYS}` };
const NO_RIGHT: Meaning = {
  kind: "denied",
  says: "the credentials have no right to do this; give them s3:PutObject, s3:GetObject and s3:ListBucket there, s3:DeleteObject where they may remove, or look whether the object is locked",
};
const NO_BUCKET: Meaning = {
  kind: "no-bucket",
  says: "the bucket does not exist; make it, or correct the address of the tier. R3A makes no bucket",
};
const OTHER_REGION: Meaning = {
  kind: "refused",
  says: "the bucket is in another region; set AWS_REGION to the region of the bucket",
};
const CLOCK: Meaning = {
  kind: "clock",
  says: "this machine's clock and the store's differ by more than 15 minutes; set the clock by NTP (timedatectl set-ntp true, chronyc makestep)",
};
const BUSY: Meaning = {
  kind: "unreachable",
  says: "the store does not serve requests now; run again, and look at the store where it stays so",
};
const AWAY: Meaning = {
  kind: "unreachable",
  says: "the store cannot be reached; look at its address (AWS_ENDPOINT_URL_S3, AWS_REGION), at the network, and at BACKUP_S3_PATH_STYLE where its name is not found",
};
const UNTRUSTED: Meaning = {
  kind: "refused",
  says: "no trusted connection to the store; correct AWS_ENDPOINT_URL_S3, give the authority of its certificate by NODE_EXTRA_CA_CERTS, and set BACKUP_S3_PATH_STYLE=true where the certificate names the host without the bucket",
};
const FULL: Meaning = { kind: "full", says: "the store has no room; make room there, or raise its quota" };
const MANGLED: Meaning = {
  kind: "broken",
  says: "what arrived at the store is not what was sent; nothing was stored, run again",
};
const MISSING: Meaning = { kind: "missing", says: "there is no such object; take it from another tier" };
const TAKEN: Meaning = { kind: "exists", says: "the key is taken; what lies there stays as it is" };
const REFUSED: Meaning = { kind: "refused", says: "the store refused the request" };
const NO_S3: Meaning = {
  kind: "refused",
  says: "the answer is none of S3; does AWS_ENDPOINT_URL_S3 lead to an S3 server?",
};

const BY_CODE: Readonly<Record<string, Meaning>> = {
  PreconditionFailed: TAKEN,
  NoSuchKey: MISSING,
  NotFound: MISSING,
  NoSuchBucket: NO_BUCKET,
  PermanentRedirect: OTHER_REGION,
  TemporaryRedirect: OTHER_REGION,
  AuthorizationHeaderMalformed: OTHER_REGION,
  IllegalLocationConstraintException: OTHER_REGION,
  AccessDenied: NO_RIGHT,
  AllAccessDisabled: NO_RIGHT,
  AccountProblem: NO_RIGHT,
  Forbidden: NO_RIGHT,
  InvalidAccessKeyId: WRONG_KEYS,
  XAdminUserNotFound: WRONG_KEYS,
  SignatureDoesNotMatch: WRONG_KEYS,
  InvalidToken: WRONG_KEYS,
  ExpiredToken: WRONG_KEYS,
  ExpiredTokenException: WRONG_KEYS,
  InvalidIdentityToken: WRONG_KEYS,
  CredentialsProviderError: NO_KEYS,
  TokenProviderError: NO_KEYS,
  RequestTimeTooSkewed: CLOCK,
  RequestExpired: CLOCK,
  ConditionalRequestConflict: BUSY,
  OperationAborted: BUSY,
  RequestTimeout: BUSY,
  SlowDown: BUSY,
  TooManyRequests: BUSY,
  TooManyRequestsException: BUSY,
  ThrottlingException: BUSY,
  BadDigest: MANGLED,
  InvalidDigest: MANGLED,
  IncompleteBody: MANGLED,
  XAmzContentSHA256Mismatch: MANGLED,
  XAmzContentChecksumMismatch: MANGLED,
  QuotaExceeded: FULL,
  InsufficientStorage: FULL,
  XMinioStorageFull: FULL,
  XMinioAdminBucketQuotaExceeded: FULL,
};

/** Not 404: an S3 server says so of an account that it does not know, and an object must not count as missing for that. */
const BY_STATUS: Readonly<Record<number, Meaning>> = {
  301: OTHER_REGION,
  307: OTHER_REGION,
  401: WRONG_KEYS,
  403: NO_RIGHT,
  408: BUSY,
  412: TAKEN,
  429: BUSY,
  501: REFUSED,
  507: FULL,
};

/** Of OpenSSL and of Node about a certificate. */
const TLS_CODE =
  /^(CERT_|CRL_|UNABLE_TO_|ERR_TLS_CERT|ERR_SSL_|EPROTO$|HOSTNAME_MISMATCH$|(DEPTH_ZERO_)?SELF_SIGNED_CERT)/;
const NETWORK_CODE = /^(E[A-Z]+|ERR_STREAM_PREMATURE_CLOSE|HPE_[A-Z_]+)$/;
/** Longer names of keys are not those of Amazon, and are known from the credentials. */
const KEY_ID = /\b(AKIA|ASIA|AROA)[A-Z0-9]{8,}\b/g;

/**
 * The fault behind an error of the client. Its words are shown cut, without the secrets given; the error itself is no
 * cause, since it carries the request with its signature, and of some answers the id of the key.
 */
export function faultOfS3(error: unknown, place: StorePlace, secrets: readonly string[]): Error {
  if (error instanceof StoreFault || !(error instanceof Error)) return error as Error;
  const { name, code, status } = readError(error);
  const meaning = meaningOf(error, { name, code, status });
  if (meaning === null) return error;
  const words = printable(redact(messageOf(error), secrets).replace(/\s+/g, " "), 160);
  const head = [...new Set([status === 0 ? "" : `HTTP ${status}`, name === "Error" ? code : name])];
  return new StoreFault(
    meaning.kind,
    `${meaning.says} (${head.filter((part) => part !== "").join(" ")}: ${words})`,
    place,
  );
}

type Read = { readonly name: string; readonly code: string; readonly status: number };

function readError(error: Error): Read {
  const fields = error as Error & {
    readonly code?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: unknown };
  };
  return {
    name: /^\w{1,60}$/.test(error.name) ? error.name : "Error",
    code: typeof fields.code === "string" ? fields.code : "",
    status: Number(fields.$metadata?.httpStatusCode ?? 0),
  };
}

function meaningOf(error: Error, { name, code, status }: Read): Meaning | null {
  const known = Object.hasOwn(BY_CODE, name) ? BY_CODE[name] : undefined;
  if (known !== undefined) return known;
  if (TLS_CODE.test(code)) return UNTRUSTED;
  // the files of the tools or of the workload, which the client reads for its credentials
  if (code === "ENOENT" || code === "EACCES") return NO_KEYS;
  if (NETWORK_CODE.test(code) || name === "TimeoutError") return AWAY;
  if (/region is missing/i.test(error.message))
    return {
      kind: "refused",
      says: "no region is known; set AWS_REGION, for a server of your own to any name",
    };
  if (status >= 500 && status !== 501 && status !== 507) return BUSY;
  if (BY_STATUS[status] !== undefined) return BY_STATUS[status] ?? null;
  if (status >= 400) return REFUSED;
  // an answer that could not be read: the client says so with the status of a success
  return status === 0 ? null : NO_S3;
}

function redact(text: string, secrets: readonly string[]): string {
  const known = secrets.filter((secret) => secret.length > 3);
  return known
    .reduce((rest, secret) => rest.replaceAll(secret, "[REDACTED]"), text)
    .replace(KEY_ID, "[REDACTED]");
}
