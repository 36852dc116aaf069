import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { type Config, getStack, type Output, runtime, secret } from "@pulumi/pulumi";
import { SUITE_LABELS } from "../model/labels.ts";
import type { RequiredSecret } from "../model/need.ts";
import { listRequiredSecrets } from "../model/required-secrets.ts";
import { describe } from "../settings/parse.ts";
import { DEFAULTS, type Settings } from "../settings/schema.ts";
import { isSecretName, plainSecret, SECRET_SETTINGS, type SecretName } from "../settings/secret-keys.ts";
import type { Registration } from "./register-chart.ts";

type Data = Readonly<Record<string, string>>;

const place = () => `Pulumi.${getStack()}.yaml`;

/**
 * Whether a secret is set and not encrypted. The engine counts a map as secret as soon as one part of the map is;
 * checkStackFile finds the parts that are not encrypted.
 */
function isPlain(config: Config): (name: SecretName) => boolean {
  // the engine names the encrypted keys in this variable; the SDK has no public function for them
  const encrypted: unknown = JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS ?? "[]");
  return (name) => {
    const key = `${config.name}:${name}`;
    return runtime.getConfig(key) !== undefined && !(Array.isArray(encrypted) && encrypted.includes(key));
  };
}

/**
 * The secrets of `secretsMode: pulumi` as typed resources, from the encrypted settings of the stack; none in the other
 * modes. A secret in plain text is a fault in every mode, because its value stands in the history of the backend. All
 * secrets that are missing or malformed are reported together, and no fault repeats a value: Pulumi's own
 * `requireSecret` stops at the first missing one, and `requireSecretObject` puts a malformed value into its error.
 */
export function readSecrets(
  config: Config,
  settings: Settings,
): { readonly registrations: readonly Registration[]; readonly faults: readonly string[] } {
  const plain = Object.keys(SECRET_SETTINGS).filter(isSecretName).filter(isPlain(config));
  const faults = plain.map((key) => describe({ key, message: plainSecret(key) }, place));
  if (settings.secretsMode !== "pulumi") return { registrations: [], faults };
  const read = (name: SecretName): string => {
    const value = runtime.getConfig(`${config.name}:${name}`) ?? "";
    if (value === "") faults.push(faultAt(name, "missing, and secretsMode is pulumi"));
    return value;
  };
  const dataOf = ({ madeOf }: RequiredSecret): Data => {
    const value = read(madeOf);
    if (madeOf === "registryToken") return registryData(settings, value);
    return madeOf === "binance" ? exchangeData(value, faults) : { DB_URL: value };
  };
  const registrations = listRequiredSecrets(settings).map((each) =>
    registrationOf(each, secret(dataOf(each)), settings),
  );
  return { registrations, faults };
}

/**
 * The settings that decide which secrets `up` needs; all others have their defaults. For the case that settings are
 * wrong: one error then reports the wrong settings and the missing secrets together.
 */
export function approximateSettings(config: Config): Settings {
  const { exchangeSecretName, pullSecretName } = DEFAULTS;
  return {
    ...DEFAULTS,
    imageDigest: config.get("imageDigest") ?? "",
    secretsMode: config.get("secretsMode") === "pulumi" ? "pulumi" : "existing",
    ownerDbSecretName: config.get("ownerDbSecretName") ?? "",
    readerDbSecretName: config.get("readerDbSecretName") ?? "",
    exchangeSecretName: config.get("exchangeSecretName") ?? exchangeSecretName,
    pullSecretName: config.get("pullSecretName") ?? pullSecretName,
  };
}

function registrationOf(
  { name, type }: RequiredSecret,
  stringData: Output<Data>,
  settings: Settings,
): Registration {
  const object = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: settings.namespace, labels: SUITE_LABELS },
  };
  return {
    object,
    make: (logicalName, options) =>
      new Secret(logicalName, { metadata: object.metadata, type, stringData }, options),
  };
}

function faultAt(key: SecretName, message: string): string {
  return describe({ key, message: `${message}; set it: ${SECRET_SETTINGS[key].howToSet}` }, place);
}

function exchangeData(text: string, faults: string[]): Data {
  if (text === "") return {};
  const { apiKey, apiSecret } = parseObject(text);
  if (typeof apiKey === "string" && typeof apiSecret === "string" && apiKey !== "" && apiSecret !== "")
    return { BINANCE_API_KEY: apiKey, BINANCE_API_SECRET: apiSecret };
  faults.push(faultAt("binance", "is no object {apiKey, apiSecret} of two texts"));
  return {};
}

/**
 * The object in a text; an empty one if the text is no object. The parser's error is left out, because it quotes the
 * text.
 */
function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** The data of the secret that a kubelet reads to pull an image. */
function registryData({ registryServer, registryUser }: Settings, token: string): Data {
  const auth = Buffer.from(`${registryUser}:${token}`).toString("base64");
  const auths = { [registryServer]: { username: registryUser, password: token, auth } };
  return { ".dockerconfigjson": JSON.stringify({ auths }) };
}
