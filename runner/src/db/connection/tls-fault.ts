import type pg from "pg";
import { SettingsFault } from "../../errors.ts";
import type { Tls } from "./tls.ts";

/** Why no safe connection came about, and what to write or do. A retry cannot help: exit 78. */
export type TlsFault = { readonly reason: string; readonly remedy: string };

/** The error that ends the command with this refusal; doctor shows reason and remedy apart. */
export type TlsRefusal = SettingsFault & { readonly tls: TlsFault };

export function refusalOf(tls: TlsFault): TlsRefusal {
  // there is no cause: the reason holds its words, without the advice that Node adds about its own flags
  return Object.assign(new SettingsFault([`DB_URL: ${tls.reason}: ${tls.remedy}`]), { tls });
}

export function isTlsRefusal(error: unknown): error is TlsRefusal {
  return error instanceof SettingsFault && "tls" in error;
}

/** The program broke off the login before it sent the password. */
class LoginRefusal extends Error {
  override readonly name = "LoginRefusal";
}

const CLEAR_TEXT = "the server asks for the password as clear text, on a connection that is not encrypted";
const NO_BINDING = "the server does not bind the login to its certificate, as channel_binding=require asks";
const CHANNEL_BOUND = "SCRAM-SHA-256-PLUS";

/**
 * Watches the login of a client; called before the client connects. An impostor only has to ask for the password in
 * clear text. And the driver uses channel binding where it is offered, but does not insist on it.
 */
export function guardLogin({ connection }: pg.Client, { trust, isLocal, channelBinding }: Tls): void {
  // the listeners of the driver come later, and what they write to a destroyed stream goes nowhere
  const refuse = (reason: string) => {
    connection.emit("error", new LoginRefusal(reason));
    connection.stream.destroy();
  };
  if (trust === "plain" && !isLocal)
    connection.on("authenticationCleartextPassword", () => refuse(CLEAR_TEXT));
  if (channelBinding !== "require") return;
  let isBound = false;
  connection.on("authenticationSASL", ({ mechanisms }: { mechanisms: readonly string[] }) => {
    isBound = mechanisms.includes(CHANNEL_BOUND);
    if (!isBound) refuse(NO_BINDING);
  });
  for (const event of ["authenticationCleartextPassword", "authenticationMD5Password", "authenticationOk"])
    connection.on(event, () => {
      if (!isBound) refuse(NO_BINDING);
    });
}

const ANY = "sslmode=no-verify in DB_URL takes any certificate";
/** What helps, by the code of OpenSSL or Node; the first row that matches counts. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/,
    "renew the server's certificate; if it is good, set this machine's clock",
  ],
  [
    /ALTNAME_INVALID|HOSTNAME_MISMATCH|IP_ADDRESS_MISMATCH/,
    `let DB_URL name a host that the certificate is for, or have one made for this host; ${ANY}`,
  ],
  [
    /^(DEPTH_ZERO_|SELF_SIGNED|UNABLE_TO_|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE|INVALID_CA|CERT_CHAIN_TOO_LONG)/,
    `write sslrootcert=FILE into DB_URL with the certificate of the authority that signed it (in a cluster: setting databaseCaConfigMap), or set NODE_EXTRA_CA_CERTS=FILE; ${ANY}`,
  ],
  [/^(CERT_|CRL_|INVALID_|PATH_LENGTH)/, "have another certificate made for the server"],
  [
    /ALERT_(CERTIFICATE|UNKNOWN_CA|BAD_CERTIFICATE|DECRYPT_ERROR|ACCESS_DENIED)|CERTIFICATE_REQUIRED/,
    "the server refuses the certificate of this program: write sslcert=FILE and sslkey=FILE of one that its ssl_ca_file knows",
  ],
  [
    /^(EPROTO|ERR_SSL_)/,
    "look whether a PostgreSQL with TLS answers there, and at its ssl_min_protocol_version and ssl_ciphers",
  ],
];
const NO_TLS = /^The server does not support SSL connections/;

/** What an error of connecting says of the certificate, the protocol or the login; null where it is about something else. */
export function faultOfTls(error: unknown, { host, channelBinding }: Tls): TlsFault | null {
  if (!(error instanceof Error)) return null;
  if (error instanceof LoginRefusal)
    return {
      reason: `${host}: ${error.message}`,
      remedy:
        error.message === CLEAR_TEXT
          ? "write sslmode=verify-full instead of disable, or let the server ask for scram-sha-256 (pg_hba.conf)"
          : `connect to the server itself, with a role of password_encryption scram-sha-256, or take channel_binding=${channelBinding} out of DB_URL`,
    };
  if (NO_TLS.test(error.message))
    return {
      reason: `the server at ${host} offers no TLS`,
      remedy:
        "switch it on there (ssl = on); where the network between is safe, write ?sslmode=disable at the end of DB_URL",
    };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const remedy = REMEDIES.find(([codes]) => codes.test(code))?.[1];
  if (remedy === undefined) return null;
  // Node adds advice about its own flags, and the stack of OpenSSL adds lines
  const words = error.message
    .split(/[;\n]/)[0]
    ?.replace(/^.*:SSL routines:[^:]*:/, "")
    .replace(/:\.\..*$/, "");
  return { reason: `no verified connection to ${host}: ${words} (${code})`, remedy };
}
