import { z } from "zod";
import { objectName } from "./fields.ts";

const optionalName = z.union([objectName, z.literal("")]).default("");

/** Who logs in to the database, and whom the pods believe to be it. A part of SETTINGS. */
export const DATABASE_SETTINGS = {
  dbSecretName: objectName
    .default("r3a-db")
    .describe(
      "Secret with the key DB_URL: of the writer, and of all commands that have no secret of their own.",
    ),
  ownerDbSecretName: optionalName.describe(
    "Secret with the DB_URL of the owner, for migrate, maint and vacuum; empty: `dbSecretName`.",
  ),
  readerDbSecretName: optionalName.describe(
    "Secret with the DB_URL of the reader, for health; empty: `dbSecretName`.",
  ),
  databaseCaConfigMap: optionalName.describe(
    "ConfigMap with the certificate authority of the database, mounted into every pod that talks to it; empty: none.",
  ),
  databaseCaSecret: optionalName.describe("The same from a Secret; one of the two."),
  databaseCaKey: z
    .string()
    .regex(/^[\w.-]{1,253}$/, "must be a key of a ConfigMap, e.g. ca.crt")
    .default("ca.crt")
    .describe("Its key: one or more certificates as PEM."),
};
