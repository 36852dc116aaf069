import { ENVIRONMENT } from "../contract/environment.ts";
import type { Variable } from "../contract/variable.ts";
import { messageOf, SettingsFault } from "../errors.ts";
import type { Row } from "./row.ts";
import { SETTING_NAMES, SETTINGS, type Settings } from "./table.ts";

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
    const [given, second] = listGiven(row, env);
    if (second !== undefined)
      faults.push(`${row.name} and ${second.name} are both set: take one of them away`);
    else if (given !== undefined) {
      try {
        parsed[key] = given.parse(given.text);
      } catch (error) {
        faults.push(`${given.name} ${messageOf(error)}`);
      }
    } else if (row.absent !== undefined) parsed[key] = row.absent;
    else faults.push(describeMissing(row));
  }
  if (faults.length > 0) throw new SettingsFault(faults);
  return parsed as Pick<Settings, K>;
}

/** The settings that every command can do without, or that are set: the others are a fault only where a command needs them. */
export function listUsable(env: Environment): readonly (keyof Settings)[] {
  return SETTING_NAMES.filter((key) => {
    const row: Row<unknown> = SETTINGS[key];
    return row.absent !== undefined || listGiven(row, env).length > 0;
  });
}

/** The variables of a row that have a text: none, its own, or the other one; both is a fault. */
function listGiven<T>(row: Row<T>, env: Environment) {
  const sources = row.other === undefined ? [row] : [row, row.other];
  return sources.flatMap((source) => {
    const text = textOf(source, env);
    return text === undefined ? [] : [{ name: source.name, parse: source.parse, text }];
  });
}

function describeMissing({ name, other }: Row<unknown>): string {
  return other === undefined ? `${name} is not set` : `neither ${name} nor ${other.name} is set`;
}

/** The value that is set, else the default; undefined where there is neither. */
function textOf(
  { name, takesBlank }: Pick<Row<unknown>, "name" | "takesBlank">,
  env: Environment,
): string | undefined {
  const given = env[name]?.trim();
  if (given !== undefined && (given !== "" || takesBlank)) return given;
  const variable: Variable = ENVIRONMENT[name];
  return variable.default === undefined ? undefined : String(variable.default);
}
