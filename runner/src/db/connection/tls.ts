import { BlockList, isIP } from "node:net";
import type { ConnectionOptions, SecureVersion } from "node:tls";
import { IS_OF_TLS, readTlsFiles, TLS_PARAMETERS, type TlsParameter } from "./tls-files.ts";

/**
 * How a connection is protected, as DB_URL says it. The parameters are read here and not by the driver: its next
 * version gives `require`, `prefer` and `verify-ca` the weak meaning of libpq, and an update would silently stop
 * verifying.
 */
export type Tls = {
  /** A name, an address, or the folder of a socket: what the driver connects to. */
  readonly host: string;
  /** The traffic does not leave this machine. */
  readonly isLocal: boolean;
  /** `chain`: the certificate is verified, but not that it is that of the host. */
  readonly trust: "plain" | "unverified" | "chain" | "full";
  /** File of the trusted certificates, `system`, or null: those of Node and of NODE_EXTRA_CA_CERTS. */
  readonly rootCert: string | null;
  readonly ssl: false | ConnectionOptions;
  readonly isDirect: boolean;
  readonly channelBinding: "disable" | "prefer" | "require";
};

const MODES = ["disable", "no-verify", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
type Mode = (typeof MODES)[number];

const CHOICES = {
  sslmode: MODES,
  ssl: ["true", "1", "false", "0", "no-verify"],
  sslnegotiation: ["postgres", "direct"],
  ssl_min_protocol_version: ["TLSv1.2", "TLSv1.3"],
  channel_binding: ["disable", "prefer", "require"],
  uselibpqcompat: ["true", "false"],
} as const satisfies Partial<Record<TlsParameter, readonly string[]>>;

const MODE_OF_SSL: Readonly<Record<string, Mode>> = {
  true: "verify-full",
  1: "verify-full",
  false: "disable",
  0: "disable",
  "no-verify": "no-verify",
};

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");

/** A socket's folder, `localhost`, or an address of this machine's loopback. */
function isLoopback(host: string): boolean {
  const version = isIP(host);
  if (version !== 0) return LOOPBACK.check(host, version === 4 ? "ipv4" : "ipv6");
  return host.startsWith("/") || /^localhost\.?$/i.test(host);
}

/** The host that the driver connects to: a parameter replaces the host before the path. */
export function hostOf({ hostname, searchParams }: URL): string {
  return searchParams.getAll("host").at(-1) || decodeURIComponent(hostname.replace(/^\[(.+)\]$/, "$1"));
}

/** Whether the URL leads to this machine. */
export function isThisHost(url: string): boolean {
  return isLoopback(hostOf(new URL(url)));
}

/** Throws one error with all that is wrong, each a sentence that may follow the word DB_URL. Reads the files it names. */
export function parseTls(text: string): Tls {
  const url = new URL(text);
  const faults: string[] = [];
  const given = readParameters(url, faults);
  const host = hostOf(url);
  const isLocal = isLoopback(host);
  const mode = host.startsWith("/") ? "disable" : modeOf(given, isLocal, faults);
  const trust = trustOf(mode, given);
  const files = readTlsFiles(given, faults);
  // libpq reads no parameter of TLS for a socket of this machine
  if (!host.startsWith("/"))
    for (const name of UNUSED[trust])
      if (given.has(name) && given.get(name) !== IDLE[name]) faults.push(describeUnused(name, given));
  if (faults.length > 0) throw new Error(faults.join("; it "));
  const minVersion = given.get("ssl_min_protocol_version") as SecureVersion | undefined;
  const ssl: ConnectionOptions = {
    ...files,
    // set also where it is the default, since NODE_TLS_REJECT_UNAUTHORIZED would change the default
    rejectUnauthorized: trust !== "unverified",
    ...(trust === "chain" && { checkServerIdentity: () => undefined }),
    ...(minVersion !== undefined && { minVersion }),
  };
  return {
    host,
    isLocal,
    trust,
    rootCert: given.get("sslrootcert") ?? null,
    ssl: trust === "plain" ? false : ssl,
    isDirect: trust !== "plain" && given.get("sslnegotiation") === "direct",
    channelBinding: (given.get("channel_binding") ?? "disable") as Tls["channelBinding"],
  };
}

/** Parameters that a weaker connection would ignore: a person who wrote them wants more protection than that. */
const UNUSED: Readonly<Record<Tls["trust"], readonly TlsParameter[]>> = {
  plain: [
    "sslrootcert",
    "sslcert",
    "sslkey",
    "ssl_min_protocol_version",
    "sslnegotiation",
    "channel_binding",
  ],
  unverified: ["sslrootcert"],
  chain: [],
  full: [],
};
/** Values that ask for nothing. */
const IDLE: Partial<Record<TlsParameter, string>> = {
  sslnegotiation: "postgres",
  channel_binding: "disable",
};

function describeUnused(name: TlsParameter, given: Given): string {
  return `has ${name}=${given.get(name)}, which a connection that verifies nothing has no use for: write sslmode=verify-full, or take ${name} out`;
}

type Given = ReadonlyMap<TlsParameter, string>;

function readParameters({ searchParams }: URL, faults: string[]): Given {
  const given = new Map<TlsParameter, string>();
  for (const name of new Set(searchParams.keys())) {
    const known = TLS_PARAMETERS.find((parameter) => parameter === name);
    if (known === undefined) {
      // a name with a mistake would be ignored, and the connection would be less safe than asked for
      if (IS_OF_TLS.test(name))
        faults.push(
          `has the parameter ${name}, which is not known: of TLS there are ${TLS_PARAMETERS.join(", ")}`,
        );
      continue;
    }
    const values = new Set(searchParams.getAll(name));
    const [value = ""] = values;
    const choices: readonly string[] | undefined = CHOICES[known as keyof typeof CHOICES];
    if (values.size > 1) faults.push(`has ${name} more than once`);
    else if (choices?.includes(value) === false)
      faults.push(`has ${name}=${value}; it must be one of ${choices.join(", ")}`);
    else if (value === "") faults.push(`has ${name} without a value`);
    else given.set(known, value);
  }
  return given;
}

/** The default: TLS with full verification, except to this machine. */
function modeOf(given: Given, isLocal: boolean, faults: string[]): Mode {
  const mode = given.get("sslmode") as Mode | undefined;
  const ssl = MODE_OF_SSL[given.get("ssl") ?? ""];
  const weakest = (value: Mode) => (value === "disable" || value === "no-verify" ? value : "verify-full");
  if (mode !== undefined && ssl !== undefined && weakest(mode) !== weakest(ssl))
    faults.push(`has ssl=${given.get("ssl")} and sslmode=${mode}, which contradict each other: take ssl out`);
  if (mode === undefined && ssl === "disable" && !isLocal)
    faults.push(`has ssl=${given.get("ssl")}: plain text over a network is taken only as sslmode=disable`);
  const wantsTls = UNUSED.plain.some((name) => given.has(name) && given.get(name) !== IDLE[name]);
  return mode ?? ssl ?? (isLocal && !wantsTls ? "disable" : "verify-full");
}

function trustOf(mode: Mode, given: Given): Tls["trust"] {
  if (mode === "disable") return "plain";
  if (mode === "no-verify") return "unverified";
  if (given.get("uselibpqcompat") !== "true" || mode === "verify-full") return "full";
  // `sslrootcert=system` is full verification in libpq too: a public CA signs for everybody
  if (given.get("sslrootcert") === "system") return "full";
  if (mode === "verify-ca" || (mode === "require" && given.has("sslrootcert"))) return "chain";
  return "unverified";
}
