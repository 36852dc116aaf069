import { z } from "zod";
import { objectName, optionalName } from "./fields.ts";

/** The logins to the database, and the certificate authority that the pods trust. A part of SETTINGS. */
export const DATABASE_SETTINGS = {
  dbSecretName: objectName
    .default("r3a-db")
    .describe("Secret with the key DB_URL, for the writer and for every role without a secret of its own."),
  ownerDbSecretName: optionalName
    .default("")
    .describe("Secret with the DB_URL of the owner, for migrate, maint and vacuum; empty: `dbSecretName`."),
  readerDbSecretName: optionalName
    .default("")
    .describe("Secret with the DB_URL of the reader, for health; empty: `dbSecretName`."),
  databaseCaConfigMap: optionalName
    .default("")
    .describe(
      "ConfigMap with the certificate authority of the database, mounted into every pod that connects to the database; empty: none.",
    ),
  databaseCaSecret: optionalName
    .default("")
    .describe("Secret with the certificate authority, instead of `databaseCaConfigMap`; empty: none."),
  databaseCaKey: z
    .string()
    .regex(/^[\w.-]{1,253}$/, "must be a key of a ConfigMap, e.g. ca.crt")
    .default("ca.crt")
    .describe(
      "Key of the certificate authority in the ConfigMap or Secret: one or more certificates as PEM.",
    ),
};
