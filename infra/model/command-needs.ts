import { ASKS_EXCHANGE, ROLE_OF } from "@r3a/runner/contract/commands";
import type { Job } from "./jobs.ts";
import type { Need } from "./need.ts";

/** What the pod of a command needs at least. Without the need `exchange` no network policy lets the pod reach the exchange. */
export function leastNeedsOf([name, ...options]: Job["command"]): readonly Need[] {
  const asks = ASKS_EXCHANGE[name];
  return [
    "config",
    ...(ROLE_OF[name] === null ? [] : (["database"] as const)),
    ...(asks === true || (asks !== false && options.includes(asks)) ? (["exchange"] as const) : []),
    ...(name === "janitor" ? (["cluster"] as const) : []),
  ];
}
