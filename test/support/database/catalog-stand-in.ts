/** An object of pg_catalog, and what stands in its place: SQL that reads the real one as `pg_catalog.real_NAME`. */
export type Played = {
  readonly kind: "view" | "table" | "function";
  readonly name: string;
  /** Types of a function's arguments, as `(name)`. */
  readonly takes?: string;
  /** What follows `create view NAME` or `create function NAME`. */
  readonly standIn: string;
};

/** Statements for a superuser that put the stand-in there and take it away again, in the one database. */
export function replaceInCatalog({ kind, name, takes = "", standIn }: Played): {
  readonly damage: string;
  readonly mend: string;
} {
  const made = kind === "function" ? "function" : "view";
  const open = "set allow_system_table_mods = on";
  return {
    damage: `${open}; alter ${kind} pg_catalog.${name}${takes} rename to real_${name};
      create ${made} pg_catalog.${name}${standIn}`,
    mend: `${open}; drop ${made} pg_catalog.${name}${takes};
      alter ${kind} pg_catalog.real_${name}${takes} rename to ${name}`,
  };
}
