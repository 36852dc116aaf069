import { leafOfName } from "../../archive/leaf-record.ts";
import type { Manifest } from "../../archive/manifest.ts";
import type { Context } from "../../context.ts";
import type { Database } from "../../db/connect.ts";
import { listWaiting, readRestoration, type WaitingLeaf } from "../../db/restore/restoration.ts";
import { readServerVersion } from "../../db/restore/server-version.ts";
import { lookAtTarget } from "../../db/restore/target-database.ts";
import { own } from "../../db/session.ts";
import { createProgress } from "../../progress.ts";
import { createLacking } from "../lacking.ts";
import {
  type Candidate,
  createManifestReader,
  listCandidates,
  type ManifestReader,
  type Refuse,
} from "../manifests.ts";
import { kindOf, reasonOf } from "../refusal.ts";
import { type Attempt, tryCandidates } from "../try-candidates.ts";
import { refuseLater } from "./first-step.ts";
import type { LeafResult } from "./load-leaves.ts";
import { orderTables } from "./load-tables.ts";
import { orderLeaves } from "./order-plan.ts";
import { refuseOtherTime } from "./other-time.ts";
import type { WholeOutcome, WholeRequest } from "./whole-outcome.ts";

type Asked = { readonly request: WholeRequest; readonly refuse: Refuse };
type Planned = Omit<WholeOutcome, "refused" | "ms">;

/**
 * What a restore would do: the tables with the rows of their objects, and the leaves in their order. Reads manifests and
 * records alone, which are not encrypted, and changes nothing.
 */
export async function previewWhole(
  context: Context,
  db: Database,
  { request, refuse }: Asked,
): Promise<Planned> {
  const { signal } = context;
  return own(db, signal, async (client) => {
    const isResumed = (await lookAtTarget(client)) === "under-way";
    const under = isResumed ? await readRestoration(client) : undefined;
    if (under !== undefined) refuseOtherTime(under, request.wish);
    const listed = await listCandidates(request.stores, request.wish, { signal, refuse });
    const candidates = listed.filter(({ madeAt }) => madeAt <= (under?.madeAt ?? Number.POSITIVE_INFINITY));
    const reader = createManifestReader(signal, refuse);
    const first = await findFirst(candidates, { reader, refuse });
    if (first === null)
      return { from: null, isResumed, isOver: false, tables: [], leaves: [], rows: 0, hotMs: null };
    const { candidate, manifest } = first;
    const waiting = isResumed ? await listWaiting(client) : orderOf(manifest);
    const attempt: Attempt = {
      ...{ context, candidates, reader, refuse, identity: "", schema: "r3a", symbols: null, isPreview: true },
      ...{ broken: new Map(), lacking: createLacking(), progress: createProgress("restore", null) },
      serverVersion: await readServerVersion(client),
      load: async () => {},
    };
    const leaves: LeafResult[] = [];
    for (const { name, isHot } of waiting) {
      const chosen = await tryCandidates(attempt, name);
      const { rows, bytes } = chosen?.plan ?? { rows: 0, bytes: 0 };
      const outcome = chosen === null ? "failed" : "planned";
      leaves.push({
        ...{ name, isHot, outcome, rows, bytes, isWaiting: true, isAway: false, ms: 0 },
        tier: chosen?.candidate.tier ?? null,
      });
    }
    return {
      from: { tier: candidate.tier, manifest: candidate.key, snapshotAt: manifest.snapshotAt },
      ...{ isResumed, isOver: false, leaves, hotMs: null },
      tables: isResumed ? [] : orderTables(manifest.tables).map(toTable),
      rows: leaves.reduce((sum, { rows }) => sum + rows, 0),
    };
  });
}

function orderOf({ leaves, snapshotAt }: Manifest): readonly WaitingLeaf[] {
  return orderLeaves(
    leaves.map(({ name }) => leafOfName(name)),
    Date.parse(snapshotAt),
  );
}

/** At most: a later object has rows of an earlier one in another version, and nobody can tell without the key. */
function toTable({ name, objects }: Manifest["tables"][number]) {
  const since = Math.max(
    0,
    objects.findLastIndex(({ mode }) => mode === "whole"),
  );
  return { name, rows: objects.slice(since).reduce((sum, { rows }) => sum + rows, 0) };
}

async function findFirst(
  candidates: readonly Candidate[],
  { reader, refuse }: { readonly reader: ManifestReader; readonly refuse: Refuse },
): Promise<{ readonly candidate: Candidate; readonly manifest: Manifest } | null> {
  for (const candidate of candidates) {
    const manifest = await reader.read(candidate);
    if (manifest === null) continue;
    try {
      await refuseLater(manifest);
      return { candidate, manifest };
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === null) throw error;
      refuse({ tier: candidate.tier, manifest: candidate.key, leaf: null, reason, ...kindOf(error) });
    }
  }
  return null;
}
