import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { type ConnectionOptions, getCACertificates } from "node:tls";
import { messageOf } from "../../errors.ts";

/** The parameters of DB_URL that say how a connection is protected; the driver gets none of them. */
export const TLS_PARAMETERS = [
  "sslmode",
  "ssl",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "sslpassword",
  "sslnegotiation",
  "ssl_min_protocol_version",
  "channel_binding",
  "uselibpqcompat",
] as const;
/** A name that is, or is almost, that of a parameter of TLS. */
export const IS_OF_TLS = /^ssl|^channel_?binding$|^use_?libpq/i;
export type TlsParameter = (typeof TLS_PARAMETERS)[number];

/**
 * The certificates and the key that DB_URL names, read and checked before anything connects: the driver would fail in
 * the middle of a connection, with the bare words of the system. Faults are added to `faults`.
 */
export function readTlsFiles(
  given: ReadonlyMap<TlsParameter, string>,
  faults: string[],
): Pick<ConnectionOptions, "ca" | "cert" | "key" | "passphrase"> {
  const passphrase = given.get("sslpassword");
  const parseKey = (key: string) => createPrivateKey({ key, ...(passphrase && { passphrase }) });
  const read = (name: TlsParameter, parse: (text: string) => unknown): string | undefined => {
    const path = given.get(name);
    if (path === undefined) return undefined;
    try {
      const text = readFileSync(path, "utf8");
      parse(text);
      return text;
    } catch (error) {
      const isAway = error instanceof Error && "syscall" in error;
      const what = isAway
        ? "cannot be read"
        : `holds no ${name === "sslkey" ? "key" : "certificate"} that can be read`;
      faults.push(`has ${name}=${path}, which ${what} (${messageOf(error)})`);
      return undefined;
    }
  };
  // the meaning of libpq: the authorities that the machine trusts; an image without such a list has those of Node
  const ca =
    given.get("sslrootcert") === "system"
      ? [...getCACertificates("default"), ...getCACertificates("system")]
      : read("sslrootcert", (text) => new X509Certificate(text));
  const cert = read("sslcert", (text) => new X509Certificate(text));
  const key = read("sslkey", parseKey);
  if (given.has("sslcert") !== given.has("sslkey"))
    faults.push("has one of sslcert and sslkey, which go together");
  else if (
    cert !== undefined &&
    key !== undefined &&
    !new X509Certificate(cert).checkPrivateKey(parseKey(key))
  )
    faults.push(
      `has the certificate ${given.get("sslcert")} in sslcert, and sslkey is the key of another one`,
    );
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(passphrase !== undefined && { passphrase }),
  };
}
