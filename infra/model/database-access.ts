import { type CommandName, ROLE_OF } from "@r3a/runner/contract/commands";
import type * as k8s from "cdk8s-plus-28/lib/imports/k8s.js";
import type { Settings } from "../settings/schema.ts";

/** Name of the secret that a command logs in with: of its role where that has one of its own, else the writer's. */
export function secretOf(settings: Settings, command: CommandName): string {
  const own = { owner: settings.ownerDbSecretName, writer: "", reader: settings.readerDbSecretName };
  const role = ROLE_OF[command];
  return (role === null ? "" : own[role]) || settings.dbSecretName;
}

const FOLDER = "/etc/r3a/database-ca";
const FILE = "ca.crt";

/** What a pod gets of the database's certificate authority: nothing where the settings name none. */
export type DatabaseCa = {
  readonly env: k8s.EnvVar[];
  readonly mounts: k8s.VolumeMount[];
  readonly volumes: k8s.Volume[];
};

/** Node reads the variable once, at its start, and believes these certificates beside its own. */
export function databaseCa({ databaseCaConfigMap, databaseCaSecret, databaseCaKey }: Settings): DatabaseCa {
  if (databaseCaConfigMap === "" && databaseCaSecret === "") return { env: [], mounts: [], volumes: [] };
  const items = [{ key: databaseCaKey, path: FILE }];
  const source: Partial<k8s.Volume> =
    databaseCaConfigMap === ""
      ? { secret: { secretName: databaseCaSecret, items } }
      : { configMap: { name: databaseCaConfigMap, items } };
  return {
    env: [{ name: "NODE_EXTRA_CA_CERTS", value: `${FOLDER}/${FILE}` }],
    mounts: [{ name: "database-ca", mountPath: FOLDER, readOnly: true }],
    volumes: [{ name: "database-ca", ...source }],
  };
}
