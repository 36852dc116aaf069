import type { Manifest } from "../archive/manifest.ts";
import type { Context } from "../context.ts";
import type { Database } from "../db/connect.ts";
import { readServerVersion } from "../db/restore/server-version.ts";
import { refuseFilled } from "../db/restore/target-schema.ts";
import { own } from "../db/session.ts";
import { createProgress } from "../progress.ts";
import type { Store } from "../store/store.ts";
import type { Wish } from "./candidates-plan.ts";
import type { ChosenLeaf } from "./chosen-leaf.ts";
import { type ComparedLeaf, compareRestored } from "./compare-run.ts";
import { createLacking } from "./lacking.ts";
import { chooseLeaves } from "./leaf-plan.ts";
import { type Candidate, createManifestReader, listCandidates, type ManifestReader } from "./manifests.ts";
import type { Refused } from "./refusal.ts";
import { collectRefused } from "./refused-text.ts";
import { restoreLeaf } from "./restore-leaf.ts";
import { type Attempt, tryCandidates } from "./try-candidates.ts";

/** Which leaves and coins; times in ms. All null: everything. */
export type Selection = {
  readonly leaf: string | null;
  readonly symbols: readonly string[] | null;
  readonly from: number | null;
  readonly to: number | null;
};

export type BesideRequest = {
  readonly stores: readonly Store[];
  readonly identity: string;
  readonly schema: string;
  readonly wish: Wish;
  readonly selection: Selection;
  readonly isPreview: boolean;
  readonly isCompared: boolean;
};

/** `chosen` null: no backup of the leaf could be restored from. `compared` null: nobody asked, or it was not restored. */
export type LeafOutcome = {
  readonly name: string;
  readonly chosen: ChosenLeaf | null;
  readonly ms: number;
  readonly compared: ComparedLeaf | null;
};

/** `leaves` null: no manifest could be read at all. */
export type BesideOutcome = {
  readonly leaves: readonly LeafOutcome[] | null;
  readonly refused: readonly Refused[];
};

/**
 * Restores leaves into tables of their own in a schema of their own, each from the newest backup that verifies for it, or
 * says what it would do. One leaf that no backup has whole does not stop the others. Throws a
 * SettingsFault where the schema has a table.
 */
export async function restoreBeside(
  context: Context,
  db: Database,
  request: BesideRequest,
): Promise<BesideOutcome> {
  const { signal, log } = context;
  await refuseFilled(db, request.schema);
  const { refused, refuse } = collectRefused(log);
  const candidates = await listCandidates(request.stores, request.wish, { signal, refuse });
  const reader = createManifestReader(signal, refuse);
  const newest = await findFirst(candidates, reader);
  if (newest === null) return { leaves: null, refused };
  const spans = newest.leaves.map((leaf) => ({
    ...leaf,
    span: { from: Date.parse(leaf.from), to: Date.parse(leaf.to) },
  }));
  const wanted = chooseLeaves(spans, request.selection);
  const progress = createProgress("restore", context.terminal);
  progress.start(wanted.reduce((sum, { rows }) => sum + rows, 0));
  try {
    return await own(db, signal, async (client) => {
      const { identity, schema, isPreview, selection } = request;
      const attempt: Attempt = {
        ...{ context, candidates, reader, refuse, progress, identity, schema, isPreview },
        load: ({ plan, versions }, source) => restoreLeaf(client, { plan, schema, versions }, source),
        symbols: selection.symbols,
        serverVersion: await readServerVersion(client),
        broken: new Map(),
        lacking: createLacking(),
      };
      const leaves: LeafOutcome[] = [];
      // a leaf that only older manifests have is asked for by its name
      const names = selection.leaf === null ? wanted.map(({ name }) => name) : [selection.leaf];
      for (const name of names) {
        const startedAt = performance.now();
        const chosen = await tryCandidates(attempt, name);
        if (chosen === null && isRefusedWhole(candidates, refused)) return { leaves: null, refused };
        if (chosen?.plan.parts.length === 0) continue;
        const isCompared = request.isCompared && chosen !== null;
        const compared = isCompared ? await compareRestored(client, request, chosen) : null;
        leaves.push({ name, chosen, compared, ms: Math.round(performance.now() - startedAt) });
      }
      return { leaves, refused };
    });
  } finally {
    progress.stop();
  }
}

/** Whether each manifest is refused for every leaf, so that a further leaf is not tried. */
function isRefusedWhole(candidates: readonly Candidate[], refused: readonly Refused[]): boolean {
  const whole = new Set(
    refused.flatMap(({ tier, manifest, leaf }) => (leaf === null ? `${tier} ${manifest}` : [])),
  );
  return candidates.every(({ tier, key }) => whole.has(`${tier} ${key}`));
}

async function findFirst(candidates: readonly Candidate[], reader: ManifestReader): Promise<Manifest | null> {
  for (const candidate of candidates) {
    const manifest = await reader.read(candidate);
    if (manifest !== null) return manifest;
  }
  return null;
}
