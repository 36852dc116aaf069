import { leafOfName } from "../../archive/leaf-record.ts";
import type { Context } from "../../context.ts";
import { LEAF_SCRATCH_SCHEMA } from "../../contract/names.ts";
import type { Database } from "../../db/connect.ts";
import { readHold } from "../../db/leaf/hold.ts";
import { listFindings, readFacts, readSizes } from "../../db/restore/mend/damaged.ts";
import { endLeftOvers } from "../../db/restore/mend/left-overs.ts";
import { readServerVersion } from "../../db/restore/server-version.ts";
import { type OwnClient, own } from "../../db/session.ts";
import { createProgress } from "../../progress.ts";
import { createLacking } from "../lacking.ts";
import { createManifestReader, listCandidates } from "../manifests.ts";
import { collectRefused } from "../refused-text.ts";
import { mendLeaf } from "./mend-leaf.ts";
import { openMendLocks } from "./mend-locks.ts";
import type { MendedLeaf, MendOutcome, MendRequest } from "./mend-outcome.ts";
import { groupFindings, type JudgedLeaf, judgeLeaves } from "./mend-plan.ts";
import type { MendTools } from "./mend-tools.ts";
import type { Wired } from "./wired.ts";

/** Of a row with its indexes: 113 bytes in a month of 60 symbols. A leaf that is gone has no size of its own. */
const BYTES_OF_ROW = 120;

type Work = { readonly request: MendRequest; readonly wired: Wired };

/**
 * Mends the live table: each leaf that is known to be damaged, or the one that is asked for, is restored beside, gets what is
 * newer than its backup, and is swapped in. Readers and writers go on. One leaf that cannot be mended does not stop the
 * others. null: another run mends.
 */
export async function restoreDamaged(
  context: Context,
  db: Database,
  { request, wired }: Work,
): Promise<MendOutcome | null> {
  const startedAt = performance.now();
  const { signal } = context;
  const locks = request.isPreview ? null : await openMendLocks(db, signal);
  if (locks === null && !request.isPreview) return null;
  try {
    const { refused, refuse } = collectRefused(context.log);
    const { leaves, hold, serverVersion } = await own(db, locks?.current.signal ?? signal, (client) =>
      begin(client, request, locks),
    );
    const progress = createProgress("restore", context.terminal);
    const isNeeded = leaves.some(({ verdict }) => verdict.kind !== "leave");
    const attempt: MendTools["attempt"] = {
      ...{ context, refuse, progress, serverVersion, symbols: null, isPreview: request.isPreview },
      ...{
        identity: request.identity,
        schema: LEAF_SCRATCH_SCHEMA,
        broken: new Map(),
        lacking: createLacking(),
      },
      candidates: isNeeded ? await listCandidates(request.stores, request.wish, { signal, refuse }) : [],
      reader: createManifestReader(signal, refuse),
    };
    const tools: MendTools = { db, locks, attempt, request, refused, wired };
    const mended: MendedLeaf[] = [];
    try {
      progress.start(leaves.reduce((sum, { rows }) => sum + rows, 0));
      for (const leaf of leaves) mended.push(await mendLeaf(tools, leaf));
    } finally {
      progress.stop();
    }
    const isDiskKnown = request.budgetBytes !== null;
    const ms = Math.round(performance.now() - startedAt);
    return { leaves: mended, hold, isDiskKnown, refused, ms };
  } finally {
    await locks?.end();
  }
}

/** Ends what killed runs left, and chooses the leaves. */
async function begin(client: OwnClient, request: MendRequest, locks: MendTools["locks"]) {
  if (locks !== null) await endLeftOvers(client, locks.current);
  const hold = (await readHold(client))?.reason ?? null;
  const leaves = await chooseLeaves(client, { request, hold });
  return { leaves, hold, serverVersion: await readServerVersion(client) };
}

/** The damaged leaves, with what the brakes and the hold say. */
async function chooseLeaves(
  client: OwnClient,
  { request, hold }: { readonly request: MendRequest; readonly hold: string | null },
): Promise<readonly JudgedLeaf[]> {
  const found = await listFindings(client, request.leaf);
  const named = request.leaf === null ? [] : [byHand(request.leaf)];
  const byLeaf = groupFindings(found.length === 0 ? named : found);
  const sizes = await readSizes(client);
  const facts = await readFacts(client, [...byLeaf.keys()]);
  const damaged = facts.map(({ name, rows, bytes, mendedAt }) => ({
    ...{ name, rows, mendedAt },
    bytes: Math.max(bytes, rows * BYTES_OF_ROW),
    findings: (byLeaf.get(name) ?? []).map(({ detector, detail }) => ({ detector, detail })),
  }));
  const judged = judgeLeaves(damaged, {
    ...{ allRows: sizes.allRows, now: sizes.now, isBeyond: request.beyond !== null },
    freeBytes: request.budgetBytes === null ? null : request.budgetBytes - sizes.bytes,
  });
  if (hold === null) return judged;
  return judged.map((leaf) =>
    leaf.verdict.kind === "mend" ? { ...leaf, verdict: { kind: "prepare", why: `held: ${hold}` } } : leaf,
  );
}

function byHand(name: string) {
  return { leaf: leafOfName(name).name, detector: "by-hand", detail: "a person named the leaf" } as const;
}
