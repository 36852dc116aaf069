import { IS_OF_TLS, TLS_PARAMETERS } from "./tls-files.ts";

/**
 * The host, the role and the name of a connection; these replace what stands before the ?, and the name of the program.
 */
const WAY = ["host", "port", "user", "password", "application_name"] as const;

/** Parameters of libpq that old URLs have: the program sets each of them itself, so they are removed. */
const IDLE = [
  "fallback_application_name",
  "client_encoding",
  "connect_timeout",
  "keepalives",
  "keepalives_idle",
  "keepalives_interval",
  "keepalives_count",
  "tcp_user_timeout",
  "gssencmode",
  "target_session_attrs",
] as const;

/** Settings of the server that ?options= may set: no statement of the program relies on them. */
const OPTIONS = [
  "role",
  "work_mem",
  "maintenance_work_mem",
  "synchronous_commit",
  "jit",
  "max_parallel_workers_per_gather",
  "max_parallel_maintenance_workers",
] as const;

const has = (list: readonly string[], name: string) => list.includes(name);

/**
 * What is wrong with the parameters behind the ?, without those of TLS; each sentence may follow the word DB_URL.
 * Values are not shown.
 */
export function judgeParameters({ searchParams }: URL): readonly string[] {
  return [...new Set(searchParams.keys())].flatMap((name) => {
    if (name === "options") return searchParams.getAll(name).flatMap(judgeOptions);
    // parseTls says more about a name that is almost that of a parameter of TLS
    if (has([...WAY, ...IDLE], name) || IS_OF_TLS.test(name)) return [];
    return [
      `has the parameter ${JSON.stringify(name)}, which is not taken: there are ${[...WAY, "options", ...TLS_PARAMETERS].join(", ")}, and the program sets the rest itself`,
    ];
  });
}

/** `-c name=value`, `-cname=value` and `--name=value`, as the server reads them; a \ keeps a space in its word. */
function judgeOptions(options: string): readonly string[] {
  const words = options.replace(/(^|\s)-c\s+/g, "$1-c").match(/(?:\\.|\S)+/g) ?? [];
  return words.flatMap((word) => {
    const name = /^(?:-c|--)([\w.-]+)=/.exec(word)?.[1]?.replaceAll("-", "_").toLowerCase();
    if (name !== undefined && has(OPTIONS, name)) return [];
    const what = name === undefined ? "words that are not -c NAME=VALUE" : name;
    return [
      `has ${what} in the parameter options, where only ${OPTIONS.join(", ")} are taken: other settings would change what the program relies on, or belong to the role (alter role NAME set ...)`,
    ];
  });
}

/** The URL without the parameters that mean nothing to the program. */
export const withoutIdle = (text: string) => withoutParameters(text, IDLE);

/** The URL without the parameters that `parseTls` has read. */
export const withoutTls = (text: string) => withoutParameters(text, TLS_PARAMETERS);

/** The same text where it has none of the parameters. */
function withoutParameters(text: string, names: readonly string[]): string {
  const url = new URL(text);
  const present = names.filter((name) => url.searchParams.has(name));
  for (const name of present) url.searchParams.delete(name);
  return present.length === 0 ? text : url.href;
}
