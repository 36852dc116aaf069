import { ENVIRONMENT } from "../contract/environment.ts";
import type { Variable } from "../contract/variable.ts";
import { messageOf, SettingsFault } from "../errors.ts";
import type { Row } from "./row.ts";
import { SETTINGS, type Settings } from "./table.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Parses just the settings that a command needs. The one SettingsFault that is thrown names every fault. */
export function parseSettings<K extends keyof Settings>(
  env: Environment,
  needed: readonly K[],
): Pick<Settings, K> {
  const faults: string[] = [];
  const parsed: Partial<Settings> = {};
  for (const key of needed) {
    const row: Row<Settings[K]> = SETTINGS[key];
    const text = textOf(row, env);
    if (text !== undefined) {
      try {
        parsed[key] = row.parse(text);
      } catch (error) {
        faults.push(`${row.name} ${messageOf(error)}`);
      }
    } else if (row.absent !== undefined) parsed[key] = row.absent;
    else faults.push(`${row.name} is not set`);
  }
  if (faults.length > 0) throw new SettingsFault(faults);
  return parsed as Pick<Settings, K>;
}

/** The value that is set, else the default; undefined where there is neither. */
function textOf({ name, takesBlank }: Row<unknown>, env: Environment): string | undefined {
  const given = env[name]?.trim();
  if (given !== undefined && (given !== "" || takesBlank)) return given;
  const variable: Variable = ENVIRONMENT[name];
  return variable.default === undefined ? undefined : String(variable.default);
}
