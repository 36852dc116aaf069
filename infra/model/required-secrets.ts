import type { Settings } from "../settings/schema.ts";

/** A secret that must be in the namespace before the jobs start. */
export type RequiredSecret = {
  readonly name: string;
  readonly type: "Opaque" | "kubernetes.io/dockerconfigjson";
  readonly keys: readonly string[];
};

/** Names and keys of the secrets that `secretsMode` decides about, for whoever creates them. Never a value. */
export function listRequiredSecrets(settings: Settings): readonly RequiredSecret[] {
  const { dbSecretName, ownerDbSecretName, readerDbSecretName, exchangeSecretName, pullSecretName } =
    settings;
  return [
    ...[dbSecretName, ownerDbSecretName, readerDbSecretName]
      .filter((name) => name !== "")
      .map((name) => ({ name, type: "Opaque", keys: ["DB_URL"] }) as const),
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

/** The same, and the certificate authority's, which belongs to whoever runs the database in every mode. */
export function listAllSecrets(settings: Settings): readonly RequiredSecret[] {
  const { databaseCaSecret, databaseCaKey } = settings;
  const authority = { name: databaseCaSecret, type: "Opaque", keys: [databaseCaKey] } as const;
  return [...listRequiredSecrets(settings), ...(databaseCaSecret === "" ? [] : [authority])];
}
