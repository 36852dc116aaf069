import type { EnvironmentName } from "./environment.ts";

/** The liveness probe in the image (runner/src/alive.ts): it ends with 1 where the heartbeat file is too old. */
export const ALIVE = ["/usr/bin/node", "/app/alive.js"] as const;

/** The variables that the runner, the probe and the Deployment must name alike. */
export const HEARTBEAT_FILE = "R3A_HEARTBEAT_FILE" satisfies EnvironmentName;
export const HEARTBEAT_MAX_AGE = "R3A_HEARTBEAT_MAX_AGE" satisfies EnvironmentName;
