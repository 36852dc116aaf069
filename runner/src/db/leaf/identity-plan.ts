/**
 * When a statement is run on the scratch table: `table` while it is empty, `build` (an index) and `index` after its rows,
 * `late` inside the swap, so that no trigger of a stranger sees the rows come.
 */
export type IdentityStage = "table" | "build" | "index" | "late";

/**
 * One property of a table beside its rows, as the statement that gives it to the scratch table: two tables with the same
 * statements are alike. `name` and `definition` (the statement without the name) are those of an index; else null.
 */
export type IdentityLine = {
  readonly stage: IdentityStage;
  readonly sql: string;
  readonly name: string | null;
  readonly definition: string | null;
};

/** `old`: the present table of the leaf; null where it is gone. `parent`: its list partition. */
export type Likeness = {
  readonly old: readonly IdentityLine[] | null;
  readonly parent: readonly IdentityLine[];
  readonly scratch: readonly IdentityLine[];
};

/** An index of the scratch table that has another name in the leaf. */
type Renaming = { readonly from: string; readonly to: string };

/** What the scratch table lacks to be like the leaf. Definitions in `builds` are of indexes that the parent alone has. */
export type Missing = {
  readonly statements: readonly { readonly stage: IdentityStage; readonly sql: string }[];
  readonly renamings: readonly Renaming[];
  readonly builds: readonly string[];
  /** Properties that the scratch table has and the leaf has not, as statements. */
  readonly extra: readonly string[];
};

/** What is still to be done, in its order. `late` properties are left out: the swap gives them. */
export function planLikeness({ old, parent, scratch }: Likeness): Missing {
  const has = new Set(scratch.map(({ sql }) => sql));
  const wanted = (old ?? []).filter(({ stage }) => stage !== "late");
  const wantedNames = new Set(wanted.map(({ name }) => name));
  const renamings: Renaming[] = [];
  const statements = wanted.filter(({ sql, stage, name, definition }) => {
    if (has.has(sql)) return false;
    const taken = new Set(renamings.map(({ from }) => from));
    const same =
      stage === "build"
        ? scratch.find(
            (line) =>
              line.definition === definition &&
              line.name !== null &&
              !wantedNames.has(line.name) &&
              !taken.has(line.name),
          )
        : undefined;
    if (same?.name == null || name === null) return true;
    renamings.push({ from: same.name, to: name });
    return false;
  });
  const built = [...scratch, ...wanted].filter(({ stage }) => stage === "build").map(matchOf);
  const builds = parent.filter((line) => line.stage === "build" && !built.includes(matchOf(line)));
  const isWanted = new Set(wanted.map(({ sql }) => sql));
  const extra =
    old === null
      ? []
      : scratch.filter(({ stage, sql }) => stage !== "build" && stage !== "late" && !isWanted.has(sql));
  return {
    statements: statements.map(({ stage, sql }) => ({ stage, sql })),
    renamings,
    builds: builds.flatMap(({ definition }) => definition ?? []),
    extra: extra.map(({ sql }) => sql),
  };
}

/** ATTACH takes an index for the parent's whatever storage settings each has. */
function matchOf({ definition }: IdentityLine): string {
  return (definition ?? "").replace(/ WITH \([^)]*\)/, "");
}
