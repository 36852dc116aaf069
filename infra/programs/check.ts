import { fileURLToPath } from "node:url";
import { SettingsFault } from "../errors.ts";
import { loadStack } from "../model/load.ts";
import { renderObjects } from "../render.ts";
import type { Breach } from "../rules/rule.ts";
import { listStacks } from "../settings/stack-files.ts";
import { checkEnvironment } from "./check-environment.ts";

/**
 * Part of `npm run check`: checks all objects of all environments by the rules; ends with 1 if a breach is an error.
 */

const root = fileURLToPath(new URL("../..", import.meta.url));
process.exitCode = Math.max(...listStacks(root).map(checkStack));

function checkStack(stack: string): number {
  try {
    const settings = loadStack(root, stack);
    const breaches = checkEnvironment(renderObjects(settings), settings);
    for (const line of renderBreaches(breaches)) process.stderr.write(`${stack}: ${line}\n`);
    return breaches.some(({ level }) => level === "error") ? 1 : 0;
  } catch (error) {
    if (!(error instanceof SettingsFault)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

/** One line for each sentence of a rule, however many objects it is about. */
function renderBreaches(breaches: readonly Breach[]): readonly string[] {
  const groups = Map.groupBy(breaches, ({ rule, message }) => `${rule} ${message}`);
  return [...groups.values()].flatMap(([first, ...others]) =>
    first === undefined
      ? []
      : [
          `${first.level}: ${first.object}${others.length === 0 ? "" : ` and ${others.length} more`}: ${first.message} (${first.rule})`,
        ],
  );
}
