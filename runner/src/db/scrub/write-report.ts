import type { Detector } from "../../contract/damage.ts";
import type { Database } from "../connect.ts";
import { type Finding, noteFindings } from "../leaf/damage-rows.ts";
import type { CatalogLeaf } from "../leaf/leaf-catalog.ts";
import { own } from "../session.ts";
import { lockLeaf, WAIT_MS } from "./look-session.ts";

const BEGIN = `begin; set local lock_timeout = ${WAIT_MS}`;
/** Of no symbol: nobody wrote by this. */
const OPEN = `select r3a_util.reopen_leaf($1, '{}', '{}', '{}', '{}')`;

const FIND = `select to_regclass(format('r3a.%I', $1::text))::oid::bigint::float8 as oid`;

/** `opens`: the leaf lost its guard and counts as open from now on, so that seal guards and proves it anew. */
export type ReportWrite = {
  readonly leaf: CatalogLeaf;
  readonly findings: readonly Finding[];
  readonly checked: readonly Detector[];
  readonly opens: boolean;
  readonly runId: string;
};

/**
 * Writes what a look at a leaf found, in one transaction. Returns the detectors whose earlier findings are gone; null, and
 * nothing is written, where a swap put another table into the place of the one that was read: what was found is not true of it.
 */
export async function writeReport(
  db: Database,
  signal: AbortSignal,
  { leaf, opens, ...report }: ReportWrite,
): Promise<readonly Detector[] | null> {
  return own(db, signal, async (client) => {
    await client.query(BEGIN);
    // no swap commits between the question and the rows
    if (leaf.oid !== null) await client.query(lockLeaf(leaf));
    const [table] = await client.query<{ oid: number | null }>(FIND, [leaf.name]);
    if ((table?.oid ?? null) !== leaf.oid) return null;
    if (opens) await client.query(OPEN, [leaf.name]);
    const gone = await noteFindings(client, leaf.name, report);
    await client.query("commit");
    return gone;
  });
}
