import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { parse } from "yaml";
import type { Fault } from "../errors.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What is wrong with the setting `kubeContext` on this machine. If no kubeconfig can be read, the provider reports
 * that. If the context does not exist, the provider only warns: the `up` of a deployed stack then said `unchanged` and
 * ended with 0.
 */
export function checkContext(kubeContext: string, env: Environment): readonly Fault[] {
  if (kubeContext === "") return [];
  const configs = readConfigs(env);
  const known = configs.flatMap(contextsOf);
  if (configs.length === 0 || known.includes(kubeContext)) return [];
  const there = known.length === 0 ? "the kubeconfig has none" : `the kubeconfig has ${known.join(", ")}`;
  return [
    {
      key: "kubeContext",
      message: `there is no context of this name on this machine; ${there}; correct it, or point KUBECONFIG to the right file`,
    },
  ];
}

/**
 * KUBECONFIG holds paths or, for the provider of Pulumi, the config itself. If it is not set, kubectl's usual file
 * counts.
 */
function readConfigs({ KUBECONFIG = "", HOME, USERPROFILE }: Environment): readonly unknown[] {
  if (KUBECONFIG.includes("\n") || KUBECONFIG.trimStart().startsWith("{")) return [parse(KUBECONFIG)];
  const home = HOME ?? USERPROFILE;
  const usual = home === undefined ? [] : [join(home, ".kube", "config")];
  const paths = KUBECONFIG === "" ? usual : KUBECONFIG.split(delimiter).filter((path) => path !== "");
  return paths.filter((path) => existsSync(path)).map((path) => parse(readFileSync(path, "utf8")) as unknown);
}

function contextsOf(config: unknown): readonly string[] {
  const { contexts } = (config ?? {}) as { readonly contexts?: unknown };
  if (!Array.isArray(contexts)) return [];
  return contexts.flatMap((each: { readonly name?: unknown }) =>
    typeof each?.name === "string" ? [each.name] : [],
  );
}
