import { STORAGE_CLASSES } from "./tiers.ts";
import type { Variable } from "./variable.ts";

const ADDRESS = "file:///FOLDER (it must exist) or s3://BUCKET/PREFIX, without credentials";
const SDK = "read by the client of S3";

/**
 * Where backups lie, and how their stores are reached. The names that begin with AWS_ are those of Amazon's own tools; the
 * client of S3 reads them by its usual order, so that a workload's identity needs no key.
 */
export const STORE_VARIABLES = {
  BACKUP_HOT: {
    meaning: `the nearest place of backups, which gets every run: ${ADDRESS}. Default: none, and health says so.`,
  },
  BACKUP_WARM: { meaning: "the second place, which gets every run too; as BACKUP_HOT." },
  BACKUP_COLD: { meaning: "the place far away, which gets the daily run; as BACKUP_HOT." },
  BACKUP_HOT_PROFILE: {
    meaning:
      "profile in the files of Amazon's tools whose key, region and endpoint_url the tier hot uses, so that two tiers can be at two providers. The profile wins over the variables that begin with AWS_. Default: these variables alone.",
  },
  BACKUP_WARM_PROFILE: { meaning: "as BACKUP_HOT_PROFILE, for the tier warm." },
  BACKUP_COLD_PROFILE: { meaning: "as BACKUP_HOT_PROFILE, for the tier cold." },
  BACKUP_S3_PATH_STYLE: {
    meaning:
      "true: the bucket stands in the path of a request, as most S3 servers of one's own want it; false: in the host.",
    default: false,
  },
  BACKUP_S3_STORAGE_CLASS: {
    meaning: `storage class of new objects in S3: ${STORAGE_CLASSES.join(", ")}. Default: the bucket's. The archive classes are refused: they take hours to give an object back.`,
  },
  AWS_ACCESS_KEY_ID: { meaning: `${SDK}: the key of an account.`, isSecret: true },
  AWS_SECRET_ACCESS_KEY: { meaning: `${SDK}: the secret of that key.`, isSecret: true },
  AWS_SESSION_TOKEN: { meaning: `${SDK}: the token of a key that expires.`, isSecret: true },
  AWS_REGION: { meaning: `${SDK}: the region of the buckets; any name for most servers of one's own.` },
  AWS_ENDPOINT_URL: {
    meaning: `${SDK}: base of the requests to a server that is not Amazon's. https, or http to this machine.`,
  },
  AWS_ENDPOINT_URL_S3: { meaning: "as AWS_ENDPOINT_URL, for S3 alone; it wins." },
  AWS_ROLE_ARN: { meaning: `${SDK}: the role of a workload's identity; EKS sets it.` },
  AWS_WEB_IDENTITY_TOKEN_FILE: {
    meaning: `${SDK}: the file with the token of a workload's identity; EKS sets it.`,
  },
  AWS_PROFILE: { meaning: `${SDK}: the profile in the files of Amazon's tools.` },
  AWS_CONFIG_FILE: {
    meaning: `${SDK}: the file with profiles, their regions and endpoints. Default: .aws/config of the user.`,
  },
  AWS_SHARED_CREDENTIALS_FILE: {
    meaning: `${SDK}: the file with the keys of profiles. Default: .aws/credentials of the user.`,
  },
  AWS_CONTAINER_CREDENTIALS_FULL_URI: {
    meaning: `${SDK}: where a pod gets its key; the Pod Identity of EKS sets it.`,
  },
  AWS_CONTAINER_AUTHORIZATION_TOKEN: { meaning: `${SDK}: the token for that address.`, isSecret: true },
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: {
    meaning: `${SDK}: the file with the token for that address.`,
  },
} as const satisfies Readonly<Record<string, Variable>>;
