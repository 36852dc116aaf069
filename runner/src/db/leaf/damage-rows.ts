import type { Detector } from "../../contract/damage.ts";
import type { OwnClient } from "../session.ts";
import { msOf } from "../sql-time.ts";
import { cutDetail, NOTE_DAMAGE } from "./damage-note.ts";

/** A client of any kind: `query` gives the rows. */
type Asker = Pick<OwnClient, "query">;

/** An open row of r3a.leaf_damage. Times in ms. */
export type Damage = {
  readonly id: number;
  readonly leaf: string;
  readonly detector: Detector;
  readonly detail: string;
  readonly foundAt: number;
  readonly lastSeenAt: number;
};

const LIST = `
  select d.id::float8 as id, d.leaf, d.detector, d.detail, ${msOf("d.found_at")} as "foundAt", ${msOf("d.last_seen_at")} as "lastSeenAt"
  from r3a.leaf_damage d where d.state = 'open' and ($1::text is null or d.leaf = $1)
  order by d.leaf, d.id`;

/** The open damage, of one leaf or (null) of all: at most one row for each leaf and detector. */
export async function listDamage(client: Asker, leaf: string | null = null): Promise<readonly Damage[]> {
  return client.query<Damage>(LIST, [leaf]);
}

/** What a detector found in a leaf, as one sentence without secrets. */
export type Finding = { readonly detector: Detector; readonly detail: string };

const CLOSE = `
  update r3a.leaf_damage set state = 'gone', closed_at = now(), closed_run = $4::uuid
  where leaf = $1 and state = 'open' and detector = any ($2::text[]) and detector <> all ($3::text[]) returning detector`;

/**
 * Writes what a look at a leaf found, in the transaction of the caller. Open damage of the detectors in `checked` that the
 * look did not find is gone from then on. Returns the detectors whose damage is gone.
 */
export async function noteFindings(
  client: Asker,
  leaf: string,
  {
    findings,
    checked,
    runId,
  }: { readonly findings: readonly Finding[]; readonly checked: readonly Detector[]; readonly runId: string },
): Promise<readonly Detector[]> {
  for (const { detector, detail } of findings)
    await client.query(NOTE_DAMAGE, [leaf, detector, cutDetail(detail), runId]);
  const found = findings.map(({ detector }) => detector);
  const gone = await client.query<{ detector: Detector }>(CLOSE, [leaf, checked, found, runId]);
  return gone.map(({ detector }) => detector);
}
