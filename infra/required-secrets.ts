import type { Settings } from "./settings/schema.ts";

/** A secret that must be in the namespace before the jobs start. */
export type RequiredSecret = {
  readonly name: string;
  readonly type: "Opaque" | "kubernetes.io/dockerconfigjson";
  readonly keys: readonly string[];
};

/** Names and keys of every secret that the objects refer to, for whoever creates them. Never a value. */
export function listRequiredSecrets(settings: Settings): readonly RequiredSecret[] {
  const { dbSecretName, exchangeSecretName, pullSecretName } = settings;
  return [
    { name: dbSecretName, type: "Opaque", keys: ["DB_URL"] },
    ...(exchangeSecretName === ""
      ? []
      : [
          {
            name: exchangeSecretName,
            type: "Opaque",
            keys: ["BINANCE_API_KEY", "BINANCE_API_SECRET"],
          } as const,
        ]),
    ...(pullSecretName === ""
      ? []
      : [
          {
            name: pullSecretName,
            type: "kubernetes.io/dockerconfigjson",
            keys: [".dockerconfigjson"],
          } as const,
        ]),
  ];
}
