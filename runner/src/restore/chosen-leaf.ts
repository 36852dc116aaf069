import type { Manifest } from "../archive/manifest.ts";
import type { Candidate } from "./manifests.ts";
import type { PlannedLeaf } from "./restore-leaf.ts";

/** How a leaf is restored, and the manifest that says so. */
export type ChosenLeaf = {
  readonly plan: PlannedLeaf;
  readonly candidate: Candidate;
  readonly manifest: Pick<Manifest, "madeAt" | "snapshotAt" | "coins">;
};
