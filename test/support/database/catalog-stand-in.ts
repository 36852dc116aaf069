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

/** The same for a server that says it has this version, e.g. `190001` and `19.1`. */
export function replaceVersion(version: string, release: string): ReturnType<typeof replaceInCatalog> {
  return replaceInCatalog({
    kind: "function",
    name: "current_setting",
    takes: "(text)",
    standIn: `(text) returns text stable return case $1 when 'server_version_num' then '${version}' when 'server_version' then '${release}'
      else pg_catalog.real_current_setting($1) end`,
  });
}
