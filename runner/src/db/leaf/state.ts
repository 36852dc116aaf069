import type { OwnClient } from "../session.ts";

/**
 * What a leaf is for those who write: open (also one that was reopened), sealing or restoring (a run took it), sealed. A leaf
 * without a row in r3a.leaf_state was never taken, and is open.
 */
export type LeafPhase = "open" | "sealing" | "sealed" | "restoring";

/** A row of r3a.leaf_state. `token` is a bigint as text; `sealedPages`: the size when the leaf was last rewritten in order. */
export type LeafState = {
  readonly leaf: string;
  readonly state: LeafPhase;
  readonly token: string;
  readonly runId: string | null;
  readonly sealedAt: Date | null;
  readonly sealedPages: number | null;
  readonly note: string | null;
};

const COLUMNS = `leaf, state, token::text as token, run_id as "runId", sealed_at as "sealedAt",
  sealed_pages::float8 as "sealedPages", note`;
const LIST = `select ${COLUMNS} from r3a.leaf_state order by leaf`;
const READ = `select ${COLUMNS} from r3a.leaf_state where leaf = $1`;
/** A writer, who holds the row FOR SHARE, is waited for. */
const LOCK = `${READ} for update`;

/** The states of all leaves that were ever taken, by name. */
export async function listLeafStates(
  client: Pick<OwnClient, "query">,
): Promise<ReadonlyMap<string, LeafState>> {
  const rows = await client.query<LeafState>(LIST);
  return new Map(rows.map((row) => [row.leaf, row]));
}

/** The state of one leaf; null where it was never taken. */
export async function readLeafState(
  client: Pick<OwnClient, "query">,
  leaf: string,
): Promise<LeafState | null> {
  const [row] = await client.query<LeafState>(READ, [leaf]);
  return row ?? null;
}

/** The same, and nobody writes to the guarded leaf or takes it until the end of the transaction. */
export async function lockLeafState(client: OwnClient, leaf: string): Promise<LeafState | null> {
  const [row] = await client.query<LeafState>(LOCK, [leaf]);
  return row ?? null;
}

/** `none`: the row goes, and the leaf is as if it had never been taken. `sealedPages` null: as it was. */
export type NewLeafState = {
  readonly state: "open" | "sealed" | "none";
  readonly note: string | null;
  readonly sealedPages?: number | null;
};

const SET = `
  update r3a.leaf_state
  set state = $3, note = left($4, 500), changed_at = now(), sealed_pages = coalesce($5::bigint, sealed_pages),
      sealed_at = case when $3 = 'sealed' then now() else sealed_at end
  where leaf = $1 and token = $2::bigint and ($3 <> 'sealed' or state = 'sealing') returning leaf`;
const FORGET = `delete from r3a.leaf_state where leaf = $1 and token = $2::bigint returning leaf`;
const FORGET_REOPENING = `delete from r3a.leaf_reopening where leaf = $1`;

/**
 * Writes the state of a leaf that was taken under `token`, in the transaction of the caller. False where another run took the
 * leaf meanwhile; for `sealed` also where a writer reopened it.
 */
export async function setLeafState(
  client: Pick<OwnClient, "query">,
  { leaf, token }: { readonly leaf: string; readonly token: string },
  { state, note, sealedPages = null }: NewLeafState,
): Promise<boolean> {
  if (state !== "none") return (await client.query(SET, [leaf, token, state, note, sealedPages])).length > 0;
  if ((await client.query(FORGET, [leaf, token])).length === 0) return false;
  await client.query(FORGET_REOPENING, [leaf]);
  return true;
}
