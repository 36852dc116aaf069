import { parseJanitorNamespace } from "../cluster/namespace.ts";
import { JANITOR_MODES, JANITOR_SCOPES, type JanitorMode, type JanitorScope } from "../contract/janitor.ts";
import { parseSelectors, type Selector } from "../selector.ts";
import { oneOf } from "./parsers.ts";
import { countRow, type Rows } from "./row.ts";

export type JanitorSettings = {
  /** null: the namespace that the process runs in. */
  readonly janitorNamespace: string | null;
  readonly janitorScope: JanitorScope;
  readonly janitorDeleteAfterS: number;
  readonly janitorFinishedAfterS: number;
  readonly janitorMaxDeletes: number;
  readonly janitorMaxPercent: number;
  readonly janitorProtectedSelectors: readonly Selector[];
  readonly janitorMode: JanitorMode;
};

export const JANITOR_ROWS: Rows<JanitorSettings> = {
  janitorNamespace: { name: "JANITOR_NAMESPACE", parse: parseJanitorNamespace, absent: null },
  janitorScope: { name: "JANITOR_SCOPE", parse: oneOf(JANITOR_SCOPES) },
  janitorDeleteAfterS: countRow("JANITOR_DELETE_AFTER_SECONDS"),
  janitorFinishedAfterS: countRow("JANITOR_FINISHED_AFTER_SECONDS"),
  janitorMaxDeletes: countRow("JANITOR_MAX_DELETES"),
  janitorMaxPercent: countRow("JANITOR_MAX_PERCENT"),
  // a variable that came out blank must not take the protection away
  janitorProtectedSelectors: { name: "JANITOR_PROTECTED_SELECTORS", parse: parseSelectors, takesBlank: true },
  janitorMode: { name: "JANITOR_MODE", parse: oneOf(JANITOR_MODES) },
};
