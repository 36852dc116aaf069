import { messageOf } from "../../errors.ts";
import { hostOf, parseTls } from "./tls.ts";
import { judgeParameters, withoutIdle } from "./url-parameters.ts";

/**
 * The URL of the database as the driver takes it, also from the SQLAlchemy form of the Python system. The URL holds a
 * password, so no message repeats it. Throws the sentence that says what is expected of DB_URL.
 */
export function parseDbUrl(text: string): string {
  const plain = text
    .replace(/^postgres(ql)?(\+\w+)?:\/\//, "postgresql://")
    // with the folder of a socket in ?host= the place of the host is empty, which no URL with a user may have
    .replace(/^(postgresql:\/\/(?:[^/?#]*@)?)(?=\/[^?#]*\?(?:.*&)?host=)/, "$1localhost");
  const url = URL.canParse(plain) ? new URL(plain) : null;
  // a / of a password ends the host, and what stood before it would be shown as its port; a bare % cannot be decoded
  const isBroken = /^\w+:\/\/[^/?#]*\/[^?#]*@|%(?![\da-f]{2})/i.test(plain);
  if (isBroken || url?.protocol !== "postgresql:" || url.hostname === "" || url.pathname.length < 2) {
    throw new Error(
      "must look like postgresql://HOST:5432/DATABASE with USER:PASSWORD@ before the host (its value is not shown)",
    );
  }
  if (hostOf(url).includes(",")) throw new Error("must name one host: the driver tries no second one");
  const faults = [...judgeParameters(url), ...judgeTls(plain)];
  if (faults.length > 0) throw new Error(faults.join("; it "));
  return withoutIdle(plain);
}

function judgeTls(plain: string): readonly string[] {
  try {
    parseTls(plain);
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}
