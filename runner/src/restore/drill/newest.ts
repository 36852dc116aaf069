import type { Manifest } from "../../archive/manifest.ts";
import { EXIT } from "../../contract/exits.ts";
import type { Store } from "../../store/store.ts";
import { createManifestReader, listCandidates } from "../manifests.ts";
import type { Refused } from "../refusal.ts";
import { exitOf } from "../whole/whole-outcome.ts";
import { type DrillOutcome, failDrill } from "./drill-outcome.ts";

/** The backup that a drill restores. */
export type Newest = { readonly key: string; readonly manifest: Manifest };

/** The newest manifest of a tier; or the outcome of the drill where there is none that can be read. */
export async function findNewest(
  store: Store,
  signal: AbortSignal,
): Promise<{ readonly newest: Newest } | { readonly failed: DrillOutcome }> {
  const refused: Refused[] = [];
  const refuse = (one: Refused) => void refused.push(one);
  const { tier, address } = store;
  const [candidate] = await listCandidates([store], { at: null, tier }, { signal, refuse });
  const manifest =
    candidate === undefined ? null : await createManifestReader(signal, refuse).read(candidate);
  if (candidate !== undefined && manifest !== null) return { newest: { key: candidate.key, manifest } };
  const faults = refused.map(({ reason }) => reason);
  return {
    failed: failDrill({
      ...{ tier, manifest: candidate?.key ?? null, exitCode: exitOfRefused(refused) },
      faults: faults.length > 0 ? faults : [`${tier} (${address}) holds no backup`],
    }),
  };
}

function exitOfRefused(refused: readonly Refused[]): DrillOutcome["exitCode"] {
  if (refused.length === 0) return EXIT.brake;
  return exitOf({
    ...{ from: null, isResumed: false, isOver: true, tables: [], leaves: [], rows: 0, hotMs: null, ms: 0 },
    refused,
  });
}
