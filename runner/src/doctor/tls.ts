import type { Reach } from "../db/doctor/reach.ts";
import { DAY_MS, renderDuration, renderTime } from "../time.ts";
import { type Finding, fail, pass, warn } from "./check.ts";

/** Enough time to order another certificate. */
const ENDS_SOON_MS = 14 * DAY_MS;

/** Judges which authority verified the server, and until when its certificate is valid. `extraAuthorities`: the file of NODE_EXTRA_CA_CERTS. */
export function judgeTls(reach: Reach, extraAuthorities: string | null, now: number): Finding {
  if (reach.step !== "in") return fail(`there is no connection: ${reach.message}`, "see the check database");
  const { trust, isLocal, rootCert, protocol, validTo } = reach.transport;
  if (trust === "plain")
    return isLocal
      ? pass("not encrypted, and it does not leave this machine")
      : fail(
          "the connection is not encrypted, as sslmode=disable in DB_URL says: others on the network can read and change all data",
          "switch TLS on at the server, and write sslmode=verify-full into DB_URL (docs/database.md)",
        );
  const remedy =
    "write sslmode=verify-full into DB_URL, with sslrootcert=FILE where the authority is your own (docs/database.md)";
  if (trust === "unverified")
    return warn(
      `encrypted (${protocol}) and not verified: another machine on the way can pretend to be the server`,
      remedy,
    );
  const by =
    rootCert ?? `the authorities of Node${extraAuthorities === null ? "" : ` and of ${extraAuthorities}`}`;
  const until = validTo === null ? "" : `, valid until ${renderTime(validTo)}`;
  if (trust === "chain")
    return warn(
      `encrypted (${protocol}) and verified by ${by}, but for any host of that authority${until}`,
      remedy,
    );
  const found = `encrypted (${protocol}) and verified by ${by}${until}`;
  if (validTo === null || validTo - now >= ENDS_SOON_MS) return pass(found);
  return warn(
    `${found}: in ${renderDuration(validTo - now)}`,
    "renew the server's certificate, and reload the server",
  );
}
