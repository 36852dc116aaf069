import type { Manifest } from "../archive/manifest.ts";
import type { Context } from "../context.ts";
import { messageOf } from "../errors.ts";
import type { Progress } from "../progress.ts";
import type { ChosenLeaf } from "./chosen-leaf.ts";
import { type Lacking, lackOf } from "./lacking.ts";
import { planLeaf } from "./leaf-plan.ts";
import { type Candidate, type ManifestReader, type Refuse, readLeafRecord } from "./manifests.ts";
import { kindOf, RestoreRefusal, reasonOf } from "./refusal.ts";
import type { PlannedLeaf, Source, Versions } from "./restore-leaf.ts";

/** A leaf that is planned from one candidate. */
export type LeafToLoad = {
  readonly plan: PlannedLeaf;
  readonly candidate: Candidate;
  readonly manifest: Manifest;
  readonly versions: Versions;
};

/** What the leaves of one run share. */
export type Attempt = {
  readonly context: Context;
  readonly identity: string;
  /** The schema that the leaves come into, as the log names it. */
  readonly schema: string;
  /** Loads one leaf and compares it with its record; where it throws, nothing of the leaf stays. */
  readonly load: (leaf: LeafToLoad, source: Source) => Promise<void>;
  readonly isPreview: boolean;
  /** Only the rows of these; null: of all. */
  readonly symbols: readonly string[] | null;
  /** In the order in which they are tried. */
  readonly candidates: readonly Candidate[];
  readonly reader: ManifestReader;
  readonly refuse: Refuse;
  readonly progress: Progress;
  /** Of this server, e.g. 180004. */
  readonly serverVersion: number;
  /** Reasons by address and key: what a store gave wrong once is not read from it again for the manifests before. */
  readonly broken: Map<string, RestoreRefusal>;
  readonly lacking: Lacking;
};

const KEY_IN_REASON = /\b(?:objects|leaves)\/[0-9a-z_/-]+\.(?:zst\.age|json)/;

/**
 * Restores one leaf from the first candidate that verifies, or only finds it in a preview. null: none does, and each is
 * refused with its reason. A leaf that holds none of the asked symbols has a plan without parts, and nothing is made.
 */
export async function tryCandidates(attempt: Attempt, name: string): Promise<ChosenLeaf | null> {
  const { context, schema, symbols, candidates, reader, refuse, broken, lacking } = attempt;
  for (const candidate of candidates) {
    const { tier, key } = candidate;
    let lack = lacking.find(candidate, name);
    const manifest = lack === null ? await reader.read(candidate) : null;
    if (manifest !== null) lack = lackOf(manifest, { leaf: name, symbols });
    if (lack !== null) {
      lacking.note(candidate, lack);
      if (lacking.isNew(candidate, lack))
        refuse({ tier, manifest: key, ...lack, isNewer: false, isAway: false });
    }
    if (lack !== null || manifest === null) continue;
    try {
      const plan = await planFrom(attempt, { candidate, manifest, name });
      const { madeAt, snapshotAt, coins } = manifest;
      const chosen = { plan, candidate, manifest: { madeAt, snapshotAt, coins } };
      if (attempt.isPreview || plan.parts.length === 0) return chosen;
      const versions = { made: manifest.hash.serverVersion, here: attempt.serverVersion };
      await fill(attempt, { plan, candidate, manifest, versions });
      context.log.info(
        { "event.name": "leaf_restored", leaf: name, tier, manifest: key, rows: plan.rows },
        `[RESTORE] ${schema}.${name}: ${plan.rows} rows as of ${snapshotAt}, from ${tier}`,
      );
      return chosen;
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === null) throw error;
      noteBroken(broken, candidate, error);
      refuse({ tier, manifest: key, leaf: name, reason, ...kindOf(error) });
    }
  }
  return null;
}

/** Remembers the object or record that a reason names, by the store that has it. */
export function noteBroken(broken: Map<string, RestoreRefusal>, { store }: Candidate, error: unknown): void {
  const reason = messageOf(error);
  const key = KEY_IN_REASON.exec(reason)?.[0];
  // the cause keeps whether the store gave no answer
  if (key !== undefined) broken.set(`${store.address} ${key}`, new RestoreRefusal(reason, { cause: error }));
}

/** Refuses what needs an object that was refused before. */
export function refuseBroken(
  broken: ReadonlyMap<string, RestoreRefusal>,
  { store }: Candidate,
  keys: readonly string[],
): void {
  const [refusal] = keys.flatMap((key) => broken.get(`${store.address} ${key}`) ?? []);
  if (refusal !== undefined) throw refusal;
}

type Wanted = { readonly candidate: Candidate; readonly manifest: Manifest; readonly name: string };

async function planFrom(
  { context, broken, symbols }: Attempt,
  { candidate, manifest, name }: Wanted,
): Promise<PlannedLeaf> {
  const leaf = manifest.leaves.find((each) => each.name === name);
  if (leaf === undefined) throw new RestoreRefusal(`it does not know the leaf ${name}`);
  refuseBroken(broken, candidate, [leaf.key]);
  const { bases, parts } = await readLeafRecord(candidate.store, leaf, context.signal);
  const plan = planLeaf(
    {
      ...{ name, bases, parts },
      span: { from: Date.parse(leaf.from), to: Date.parse(leaf.to) },
      deltas: manifest.deltas.filter((delta) => delta.leaf === name),
    },
    coinsOf(manifest, symbols),
  );
  refuseBroken(
    broken,
    candidate,
    plan.steps.map(({ object }) => object.key),
  );
  return { ...plan, parent: leaf.parent };
}

/** The coins of the symbols; null for all. */
function coinsOf({ coins }: Manifest, symbols: readonly string[] | null): ReadonlySet<number> | null {
  if (symbols === null) return null;
  return new Set(coins.filter(({ symbol }) => symbols.includes(symbol)).map(({ id }) => id));
}

async function fill(
  { load, context: { signal }, identity, progress }: Attempt,
  leaf: LeafToLoad,
): Promise<void> {
  let passed = 0;
  const onRows = (rows: number) => {
    passed += rows;
    progress.advance(rows);
  };
  try {
    await load(leaf, { store: leaf.candidate.store, identity, signal, onRows });
  } catch (error) {
    // the next candidate begins from nothing
    progress.correct(passed);
    throw error;
  }
}
