import pino from "pino";
import { ENVIRONMENT, LOG_LEVELS } from "./contract/environment.ts";
import { createRedactor } from "./redact.ts";
import type { Environment } from "./settings/parse.ts";

export type Logger = pino.Logger;

/**
 * JSON lines with ECS names on stderr; on a terminal one short line for a person. stdout is for results only. A LOG_LEVEL
 * that is no level counts as not set here: the settings report this fault, and the log must be there for that.
 */
export function createLogger(env: Environment, write: (text: string) => void, forPeople: boolean): Logger {
  const level = LOG_LEVELS.find((each) => each === env.LOG_LEVEL?.trim());
  const redact = createRedactor(env);
  return pino(
    {
      // a person watches the progress bar, and a line for each series would break the bar
      level: level ?? (forPeople ? "warn" : ENVIRONMENT.LOG_LEVEL.default),
      messageKey: "message",
      base: { "service.name": "r3a" },
      timestamp: () => `,"@timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ "log.level": label }) },
      hooks: { streamWrite: redact },
    },
    { write: forPeople ? (line: string) => write(renderForPeople(line)) : write },
  );
}

function renderForPeople(line: string): string {
  const entry: Record<string, unknown> = JSON.parse(line);
  const where = [entry.symbol, entry.interval].filter((part) => part !== undefined).join(" ");
  const level = entry["log.level"] === "info" ? "" : `${entry["log.level"]}: `;
  return `${level}${where === "" ? "" : `${where}: `}${entry.message}\n`;
}
