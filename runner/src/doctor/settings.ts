import { distanceOf } from "../candle/nearest-name.ts";
import { ENVIRONMENT } from "../contract/environment.ts";
import { SettingsFault } from "../errors.ts";
import { listProxyVariables } from "../exchange/proxy.ts";
import { type Environment, listUsable, parseSettings } from "../settings/parse.ts";
import type { Settings } from "../settings/table.ts";
import { type Check, type Finding, fail, listSome, pass, warn } from "./check.ts";

const DB_URL_REMEDY =
  // the text is in two parts, because the log's filter removes what stands before the @ of a URL
  "set DB_URL to postgresql://HOST:5432/DATABASE with USER:PASSWORD@ before the host; of a password, @ : / ? # and % are written as %40 %3A %2F %3F %23 %25";

/** For a wrong parameter: the address itself is right. */
const PARAMETER_REMEDY =
  "correct what is named behind the ? of DB_URL; docs/database.md lists what may stand there";

/** The checks of the environment. Their texts are those of a command that ends with 78. */
export function settingsChecks(env: Environment): readonly Check[] {
  const others = listUsable(env).filter((name) => name !== "dbUrl");
  return [
    {
      name: "db-url",
      needs: [],
      look: async () =>
        judgeSettings(env, ["dbUrl"], {
          good: "DB_URL has the right form",
          remedyOf: (fault) => (fault.startsWith("DB_URL has ") ? PARAMETER_REMEDY : DB_URL_REMEDY),
        }),
    },
    {
      name: "settings",
      needs: [],
      look: async () => {
        const found = judgeSettings(env, others, {
          good: "all other settings can be read",
          remedyOf: () => "correct them; docs/commands.md lists the environment with its defaults",
        });
        return withMisspelt(found, listMisspelt(env));
      },
    },
    { name: "proxy", needs: [], look: async () => judgeProxy(listProxyVariables(env)) },
  ];
}

const NAMES = Object.keys(ENVIRONMENT);
/** Many other programs have a short name such as DB_SSL, which differs from DB_URL in two letters. */
const SHORT = 8;

/** The variables that nothing reads and whose name is nearly that of a setting: `FALBACK_START is no setting: FALLBACK_START?`. */
function listMisspelt(env: Environment): readonly string[] {
  return Object.keys(env).flatMap((name) => {
    // the tools of AWS read many names that differ in two letters from those that we list
    if (!/^(?!AWS_)[A-Z][A-Z0-9_]{1,60}$/.test(name) || NAMES.includes(name)) return [];
    const near = NAMES.find((known) => distanceOf(name, known) <= (known.length < SHORT ? 1 : 2));
    return near === undefined ? [] : [`${name} is set, and no setting has this name: ${near}?`];
  });
}

function withMisspelt(found: Finding, misspelt: readonly string[]): Finding {
  if (misspelt.length === 0) return found;
  const output = listSome([found.output, ...misspelt]);
  if (found.status !== "pass") return { ...found, output };
  return warn(output, "correct the name of the variable, or take it out of the environment");
}

export function judgeProxy(names: readonly string[]): Finding {
  if (names.length === 0) return pass("no proxy is set");
  return warn(
    `${names.join(", ")} ${names.length === 1 ? "is" : "are"} set, and requests to the exchange use no proxy`,
    "allow this machine or pod to reach the exchange itself (TCP 443), or set EXCHANGE_URL to a mirror that it reaches",
  );
}

function judgeSettings(
  env: Environment,
  names: readonly (keyof Settings)[],
  { good, remedyOf }: { readonly good: string; readonly remedyOf: (fault: string) => string },
): Finding {
  try {
    parseSettings(env, names);
    return pass(good);
  } catch (error) {
    if (!(error instanceof SettingsFault)) throw error;
    const fault = error.faults.join("; ");
    return fail(fault, remedyOf(fault));
  }
}
