import { type CommandName, ROLE_OF } from "@r3a/runner/contract/commands";
import type { Settings } from "../settings/schema.ts";
import type { MountedVolume, RequiredSecret, Variable } from "./need.ts";

/** The secrets with a DB_URL, one for each role that has a login of its own. */
export function loginSecrets(settings: Settings): readonly RequiredSecret[] {
  const { dbSecretName, ownerDbSecretName, readerDbSecretName } = settings;
  const logins = [
    { name: dbSecretName, madeOf: "dbUrl" },
    { name: ownerDbSecretName, madeOf: "ownerDbUrl" },
    { name: readerDbSecretName, madeOf: "readerDbUrl" },
  ] as const;
  return logins
    .filter(({ name }) => name !== "")
    .map((login) => ({ ...login, type: "Opaque", keys: ["DB_URL"] }));
}

/** The login of a command: the secret of its role, or that of the writer if the role has no secret of its own. */
export function loginOf(settings: Settings, command: CommandName): Variable {
  const own = { owner: settings.ownerDbSecretName, writer: "", reader: settings.readerDbSecretName };
  const role = ROLE_OF[command];
  const name = (role === null ? "" : own[role]) || settings.dbSecretName;
  return { name: "DB_URL", valueFrom: { secretKeyRef: { name, key: "DB_URL" } } };
}

const FOLDER = "/etc/r3a/database-ca";
const FILE = "ca.crt";

/** Whether the settings name a certificate authority of the database. */
function hasAuthority({ databaseCaConfigMap, databaseCaSecret }: Settings): boolean {
  return databaseCaConfigMap !== "" || databaseCaSecret !== "";
}

/** Node.js reads the variable once, at its start, and trusts these certificates beside its own ones. */
export function authorityVariables(settings: Settings): readonly Variable[] {
  return hasAuthority(settings) ? [{ name: "NODE_EXTRA_CA_CERTS", value: `${FOLDER}/${FILE}` }] : [];
}

/** The volume with the file that the variable names. */
export function authorityVolumes(settings: Settings): readonly MountedVolume[] {
  if (!hasAuthority(settings)) return [];
  const { databaseCaConfigMap, databaseCaSecret, databaseCaKey } = settings;
  const items = [{ key: databaseCaKey, path: FILE }];
  const source =
    databaseCaConfigMap === ""
      ? { secret: { secretName: databaseCaSecret, items } }
      : { configMap: { name: databaseCaConfigMap, items } };
  return [{ name: "database-ca", source, mountPath: FOLDER, readOnly: true, isInInit: true }];
}
