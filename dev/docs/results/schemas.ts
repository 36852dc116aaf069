import { z } from "zod";
import type { CommandName } from "../../../runner/src/contract/commands.ts";
import { backup } from "./backup.ts";
import { backups } from "./backups.ts";
import { drill } from "./drill.ts";
import { backfill, plan, sync } from "./fill.ts";
import { restore } from "./restore.ts";
import { runs } from "./runs.ts";
import { scrub } from "./scrub.ts";
import { seal } from "./seal.ts";
import { candles, gaps, series, verify } from "./stored.ts";
import { maint, migrate, migrateLayout, refreshLastts, vacuum } from "./upkeep.ts";
import { doctor, health, janitor } from "./watch.ts";

/** What `--json` prints, by command. */
export const RESULTS: Readonly<Partial<Record<CommandName, z.ZodType>>> = {
  sync,
  backfill,
  plan,
  verify,
  gaps,
  candles,
  series,
  runs,
  migrate,
  "migrate-layout": migrateLayout,
  maint,
  "refresh-lastts": refreshLastts,
  vacuum,
  backup,
  backups,
  scrub,
  restore,
  seal,
  drill,
  janitor,
  health,
  doctor,
};

/** The path of the schema of each command's result, with its text. */
export function listSchemaFiles(): Readonly<Record<string, () => string>> {
  return Object.fromEntries(
    Object.entries(RESULTS).map(([command, result]) => [
      schemaPath(command),
      () => renderSchema(command, result),
    ]),
  );
}

export function schemaPath(command: string): string {
  return `docs/json/${command}.schema.json`;
}

/**
 * A JSON Schema of the draft 2020-12. A reader must expect fields that came later within the version, so the schema,
 * other than the zod schema that the tests use, does not forbid them.
 */
function renderSchema(command: string, result: z.ZodType): string {
  const titled = result.meta({ title: `r3a ${command} --json` });
  const schema = z.toJSONSchema(titled, {
    target: "draft-2020-12",
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
  return `${JSON.stringify(schema, null, 2)}\n`;
}
