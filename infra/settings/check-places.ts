import type { Fault } from "../errors.ts";
import type { Settings } from "./schema.ts";
import { isSecretText } from "./secret-text.ts";

/** Hosts of this machine, of the cluster and of a private network: nobody else sees plain http on the way to them. */
const NEAR_NAME = /^[^.[]+$|\.(svc|local|internal|test|cluster\.local)$/;
const NEAR_IPV4 =
  /^(10|127)\.|^192\.168\.|^172\.(1[6-9]|2\d|3[01])\.|^169\.254\.|^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./;
const NEAR_IPV6 = /^\[(::1|f[cd][\da-f]*:.*|fe80:.*)\]$/;

/** A block with a shorter prefix is most of the world, and not the place of a database. */
const SHORTEST_PREFIX = { ipv4: 8, ipv6: 16 };

/** Faults of the addresses that pods may reach. An address must not hold a secret, so no fault repeats the value. */
export function checkPlaces({ exchangeUrl, databaseCidr, networkPolicy }: Settings): readonly Fault[] {
  return [...checkExchange(exchangeUrl), ...(networkPolicy ? checkDatabase(databaseCidr) : [])];
}

function checkExchange(text: string): readonly Fault[] {
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  const hasMore = username !== "" || password !== "" || search !== "" || hash !== "" || /[?#]/.test(text);
  const isNear = NEAR_NAME.test(hostname) || NEAR_IPV4.test(hostname) || NEAR_IPV6.test(hostname);
  if (!hasMore && (protocol === "https:" || isNear)) return [];
  const message = hasMore
    ? "holds a user, a query or a fragment, which would stand in a ConfigMap; write the base address alone, e.g. https://api.binance.com"
    : "is plain http to a public host: whoever is on the way can change candles; write https (http is for a private address or a name of the cluster)";
  return [{ key: "exchangeUrl", message }];
}

function checkDatabase(cidr: string): readonly Fault[] {
  const prefix = Number(cidr.split("/")[1]);
  const shortest = cidr.includes(":") ? SHORTEST_PREFIX.ipv6 : SHORTEST_PREFIX.ipv4;
  const message = `opens the database's port to most of the world; write the block of the database, /${shortest} or smaller, or networkPolicy: false for no limit at all`;
  return prefix >= shortest ? [] : [{ key: "databaseCidr", message }];
}

/** Settings that hold a password, a key or a token: settings stand in files, in the state and in objects. */
export function checkSecretTexts(settings: Settings): readonly Fault[] {
  const message =
    "holds a password, key or token; take it out and change it where it is used: secrets have keys of their own";
  return textsOf(settings, "").flatMap(({ key, text }) => (isSecretText(text) ? [{ key, message }] : []));
}

function textsOf(value: unknown, key: string): readonly { readonly key: string; readonly text: string }[] {
  if (typeof value === "string") return [{ key, text: value }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) =>
    textsOf(each, Array.isArray(value) ? `${key}[${name}]` : key === "" ? name : `${key}.${name}`),
  );
}
