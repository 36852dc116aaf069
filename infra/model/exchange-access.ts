import type { Settings } from "../settings/schema.ts";
import type { Exit, RequiredSecret, VariableSource } from "./need.ts";

/** Private, link-local (cloud metadata), shared, loopback and reserved ranges: no exchange has an address there. */
const NOT_PUBLIC = {
  "0.0.0.0/0": [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "240.0.0.0/4",
  ],
  "::/0": ["::1/128", "::ffff:0:0/96", "fc00::/7", "fe80::/10", "ff00::/8"],
} as const;

/** The secret with the keys of the exchange, if the settings name one. */
export function keySecrets({ exchangeSecretName: name }: Settings): readonly RequiredSecret[] {
  const keys = ["BINANCE_API_KEY", "BINANCE_API_SECRET"];
  return name === "" ? [] : [{ name, type: "Opaque", keys, madeOf: "binance" }];
}

/** The keys of this secret as variables of a pod. */
export function keyVariables({ exchangeSecretName: name }: Settings): readonly VariableSource[] {
  return name === "" ? [] : [{ secretRef: { name } }];
}

/** The block of the exchange. If the settings say all addresses, the private ranges are left out. */
export function exchangeExit({ exchangeCidr: cidr, exchangeUrl }: Settings): Exit {
  const { port, protocol } = new URL(exchangeUrl);
  const ports = [Number(port) || (protocol === "http:" ? 80 : 443)];
  if (!cidr.endsWith("/0")) return { block: { cidr }, ports };
  return { block: { cidr, except: [...NOT_PUBLIC[cidr.includes(":") ? "::/0" : "0.0.0.0/0"]] }, ports };
}
