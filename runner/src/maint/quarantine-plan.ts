import { MEND_BRAKES } from "../contract/mend-brakes.ts";
import { QUARANTINE_DAYS, QUARANTINE_SCHEMA } from "../contract/names.ts";
import { DAY_MS } from "../time.ts";

/** A table of the schema quarantine. `movedAt`: ms, as its swap noted; null where no swap noted it. */
export type Quarantined = {
  readonly name: string;
  readonly movedAt: number | null;
  /** False where only the note of the swap is left. */
  readonly isThere: boolean;
};

/**
 * The tables whose time is over, each with its note; and notes whose table somebody dropped, once restore --damaged does not
 * need them any more to see that it has mended a leaf just now.
 */
export function listOverdue(quarantine: readonly Quarantined[], now: number) {
  return quarantine
    .filter(
      ({ movedAt, isThere }) =>
        movedAt !== null && now - movedAt >= (isThere ? QUARANTINE_DAYS * DAY_MS : MEND_BRAKES.againMs),
    )
    .map(({ name, isThere }) => {
      const object = objectOf(name);
      const forget = `DELETE FROM r3a.quarantine WHERE table_name = '${name.replaceAll("'", "''")}'`;
      return {
        ...{ kind: "quarantine" as const, object, isThere },
        ...(isThere
          ? { op: "drop-quarantined", sql: `DROP TABLE ${object}; ${forget}` }
          : { op: "forget-quarantined", sql: forget }),
      };
    });
}

/** No swap has moved these, so nobody knows how long they are needed. */
export function listUnknown(quarantine: readonly Quarantined[]): readonly string[] {
  return quarantine
    .filter(({ movedAt }) => movedAt === null)
    .map(
      ({ name }) =>
        `${objectOf(name)} is not in r3a.quarantine, so maint never drops it: drop it, or move it out of the schema`,
    );
}

function objectOf(name: string): string {
  return `${QUARANTINE_SCHEMA}.${quote(name)}`;
}

/** A name as a statement has it. */
export function quote(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
