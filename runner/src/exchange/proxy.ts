const PROXY = /^(https?|all)_proxy$/i;
const SWITCH = "NODE_USE_ENV_PROXY";

/**
 * Names of the variables that ask for a proxy. Requests to the exchange use none: Node's own proxies are for its global
 * agent, and these requests have an agent of their own. Names alone, since a value may hold a password.
 */
export function listProxyVariables(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const isSet = (name: string) => (env[name] ?? "") !== "" && !(name === SWITCH && env[name] === "0");
  return Object.keys(env)
    .filter((name) => (PROXY.test(name) || name === SWITCH) && isSet(name))
    .toSorted();
}
