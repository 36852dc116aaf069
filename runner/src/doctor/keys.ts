import { publicKeysOf } from "../archive/object/age.ts";
import { SettingsFault } from "../errors.ts";
import { renderCount } from "../render.ts";
import { isOpenToOthers } from "../settings/object.ts";
import { type Environment, parseSettings } from "../settings/parse.ts";
import { type Check, type Finding, fail, pass, skip, warn } from "./check.ts";

const isSet = (env: Environment, name: string) => (env[name]?.trim() ?? "") !== "";

/** Whether the keys of backups can be read, and whether the secret one opens what is encrypted to the public ones. */
export function keysCheck(env: Environment): Check {
  return {
    name: "keys",
    needs: [],
    look: async () => {
      const hasRecipients = isSet(env, "BACKUP_RECIPIENTS");
      const hasIdentity = isSet(env, "BACKUP_IDENTITY") || isSet(env, "BACKUP_IDENTITY_FILE");
      if (!hasRecipients && !hasIdentity) return skip("no key of backups is set");
      try {
        const recipients = hasRecipients ? parseSettings(env, ["backupRecipients"]).backupRecipients : null;
        const identity = hasIdentity ? parseSettings(env, ["backupIdentity"]).backupIdentity : null;
        const own = identity === null ? null : await publicKeysOf(identity);
        return withOpenFile(judgeKeys(recipients, own), env.BACKUP_IDENTITY_FILE?.trim() ?? "");
      } catch (error) {
        if (error instanceof SettingsFault) return skip("needs settings, see there");
        throw error;
      }
    },
  };
}

/** Objects are not read here: after a rotation older ones are encrypted to keys that this check does not know. */
const OPENS_NEW =
  "What is encrypted from now on can be opened; whether older backups can, a restore shows (restore --to-schema)";

/** `recipients`: what objects are encrypted to; `own`: the public keys of the identity. null: not set. */
export function judgeKeys(recipients: readonly string[] | null, own: readonly string[] | null): Finding {
  const secret = own === null ? null : `${renderCount(own.length, "secret key")} can be read`;
  if (recipients === null) return pass(`${secret ?? "no secret key is set"}; BACKUP_RECIPIENTS is not set`);
  const to = `backups are encrypted to ${renderCount(recipients.length, "public key")}`;
  if (own !== null && !own.some((key) => recipients.includes(key)))
    return fail(
      `${to}, and the identity opens none of them`,
      "give BACKUP_RECIPIENTS the public key of the identity (age-keygen -y FILE), or the identity a further line with the secret key of a recipient",
    );
  if (recipients.length === 1)
    return warn(
      `${to}: with its secret key every backup would be lost`,
      "make a second key (age-keygen), add its public key to BACKUP_RECIPIENTS, and keep its secret key offline and elsewhere",
    );
  if (secret === null) return pass(`${to}; no secret key is set, so none was tried`);
  return pass(`${to}; ${secret}. ${OPENS_NEW}`);
}

function withOpenFile(found: Finding, path: string): Finding {
  if (path === "" || !isOpenToOthers(path)) return found;
  const output = `${found.output}; every user of this machine can read the secret key in ${path}`;
  const remedy = `chmod 600 ${path}; in a pod, mount its secret with defaultMode 0400`;
  const remedies = [found.remedy, remedy].filter((each) => each !== "").join("; ");
  return found.status === "fail" ? fail(output, remedies) : warn(output, remedies);
}
