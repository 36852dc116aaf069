import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { DAY_MS } from "../../../runner/src/time.ts";

/**
 * X.509 certificates for tests, written as DER by hand: Node reads them and makes none, the packages that make them
 * bring a dozen others, and not every machine has openssl.
 */
export type Certificate = {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  readonly name: Buffer;
};

export type CertificateRequest = {
  readonly commonName: string;
  /** DNS names and IPv4 addresses that the certificate is for. */
  readonly hosts?: readonly string[];
  readonly from?: Date;
  readonly to?: Date;
  /** Who signs the certificate; without an issuer it signs itself. */
  readonly issuer?: Certificate;
  readonly isAuthority?: boolean;
};

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const size = body.length < 0x80 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}
const sequence = (...parts: readonly Buffer[]) => der(0x30, ...parts);
const explicit = (number: number, ...parts: readonly Buffer[]) => der(0xa0 + number, ...parts);
const octets = (...parts: readonly Buffer[]) => der(0x04, ...parts);
const bits = (bytes: Buffer) => der(0x03, Buffer.from([0]), bytes);
const TRUE = Buffer.from([0x01, 0x01, 0xff]);

function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = rest.flatMap((number) => {
    const digits = [number & 0x7f];
    for (let left = number >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
    return digits;
  });
  return der(0x06, Buffer.from([first * 40 + second, ...bytes]));
}

const time = (at: Date) => der(0x18, Buffer.from(`${at.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`));
const nameOf = (commonName: string) =>
  sequence(der(0x31, sequence(objectId("2.5.4.3"), der(0x0c, Buffer.from(commonName)))));
const ECDSA_WITH_SHA256 = sequence(objectId("1.2.840.10045.4.3.2"));

function alternativeName(host: string): Buffer {
  const isAddress = /^[\d.]+$/.test(host);
  return isAddress ? der(0x87, Buffer.from(host.split(".").map(Number))) : der(0x82, Buffer.from(host));
}

function extensionsOf({ hosts = [], isAuthority = false }: CertificateRequest): Buffer {
  const constraints = sequence(objectId("2.5.29.19"), TRUE, octets(sequence(...(isAuthority ? [TRUE] : []))));
  const names = sequence(objectId("2.5.29.17"), octets(sequence(...hosts.map(alternativeName))));
  return explicit(3, sequence(constraints, ...(hosts.length > 0 ? [names] : [])));
}

export function makeCertificate(request: CertificateRequest): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const name = nameOf(request.commonName);
  const signer: { name: Buffer; key: KeyObject } = request.issuer
    ? { name: request.issuer.name, key: createPrivateKey(request.issuer.key) }
    : { name, key: privateKey };
  const body = sequence(
    explicit(0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1]), randomBytes(15)),
    ECDSA_WITH_SHA256,
    signer.name,
    sequence(
      time(request.from ?? new Date(Date.now() - DAY_MS)),
      time(request.to ?? new Date(Date.now() + 365 * DAY_MS)),
    ),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    extensionsOf(request),
  );
  const signature = sign("sha256", body, { key: signer.key, dsaEncoding: "der" });
  // OpenSSL refuses a blank line at the end, which a length that 64 divides left here: a quarter of all certificates
  const lines = sequence(body, ECDSA_WITH_SHA256, bits(signature))
    .toString("base64")
    .match(/.{1,64}/g);
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines?.join("\n")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    name,
  };
}
