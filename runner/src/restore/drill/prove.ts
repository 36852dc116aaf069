import type { Context } from "../../context.ts";
import type { Database } from "../../db/connect.ts";
import { own } from "../../db/session.ts";
import type { Store } from "../../store/store.ts";
import type { Refused } from "../refusal.ts";
import { exitOf, type WholeOutcome, type WholeRequest } from "../whole/whole-outcome.ts";
import { chooseDamage } from "./choose-damage.ts";
import { compareWithExchange, type GoldenSettings } from "./compare-golden.ts";
import { compareRestored } from "./compare-restored.ts";
import { type DrillOutcome, failDrill, judgeDrill } from "./drill-outcome.ts";
import { type DamagedStore, withDamage, withManifestAlone } from "./layers.ts";
import type { Newest } from "./newest.ts";

export type RestoreWhole = (context: Context, db: Database, request: WholeRequest) => Promise<WholeOutcome>;

export type DrillRequest = {
  readonly store: Store;
  readonly identity: string;
  /** A database on the server for drills. */
  readonly drillDbUrl: string;
  /** The production server may be that server. */
  readonly isSameAccepted: boolean;
  readonly settings: GoldenSettings;
  /** The restore that is proved. */
  readonly restore: RestoreWhole;
};

type Databases = {
  /** Of production. */
  readonly db: Database;
  /** Empty, and dropped afterwards. */
  readonly target: Database;
};

type Asked = { readonly request: DrillRequest; readonly newest: Newest; readonly begunAt: number };

/**
 * Restores one backup twice over: the restore finds it in a store that changes one byte of one object, and then in the tier
 * as it is. So it must refuse that object, and restore all else and, from the tier, this one too.
 */
export async function proveBackup(
  context: Context,
  { db, target }: Databases,
  { request, newest: { key, manifest }, begunAt }: Asked,
): Promise<DrillOutcome> {
  const { signal, log } = context;
  const { identity, settings } = request;
  const { tier } = request.store;
  const store = withManifestAlone(request.store, key);
  const damage = await chooseDamage(manifest, { store, signal });
  const damaged = withDamage(store, damage);
  log.info(
    { "event.name": "drill_damage", ...damage },
    `[DRILL] byte ${damage.byte} of ${damage.key} is changed while it is read: the restore must refuse that object once`,
  );
  const outcome = await request.restore(context, target, {
    ...{ stores: [damaged.store, store], identity, isPreview: false, acceptLoss: null },
    wish: { at: null, tier },
  });
  const snapshotAt = Date.parse(manifest.snapshotAt);
  const known = { tier, manifest: key, snapshotAt, rpoMs: Math.max(0, begunAt - snapshotAt) };
  if (outcome.from === null)
    return failDrill({ ...known, exitCode: exitOf(outcome), faults: reasonsOf(outcome.refused) });
  const { faults: notRestored, failed } = listNotRestored(outcome);
  const { planted, faults: ofDamage } = judgeDamage(outcome, { damaged, damage });
  return own(target, signal, async (client) => {
    const opened = { store, identity, signal };
    const compared = await compareRestored(client, manifest, { opened, failed });
    const golden = await compareWithExchange({ context, db, client, settings, snapshotAt });
    return judgeDrill({
      ...known,
      ...{ rtoMs: outcome.hotMs, wholeMs: outcome.isOver ? outcome.ms : null, damage: planted },
      ...{ leaves: compared.leaves, tables: compared.tables, rows: outcome.rows, golden: golden.compared },
      faults: [...notRestored, ...ofDamage, ...compared.faults, ...golden.faults],
      open: golden.open === null ? [] : [golden.open],
    });
  });
}

/** Each reason once: an object that is broken is refused in both stores. */
function reasonsOf(refused: readonly Refused[]): readonly string[] {
  return [...new Set(refused.map(({ reason }) => reason))];
}

function listNotRestored({ leaves, refused, isOver }: WholeOutcome) {
  const failed = new Set(leaves.flatMap(({ name, outcome }) => (outcome === "failed" ? [name] : [])));
  const faults = [...failed].map((name) => {
    const reasons = reasonsOf(refused.filter(({ leaf }) => leaf === name || leaf === null));
    return `r3a.${name} is not restored: ${reasons.join("; ")}`;
  });
  // a leaf that is not restored waits, so that its fault says this too
  if (isOver || failed.size > 0) return { failed, faults };
  return { failed, faults: ["the restore did not come to its end"] };
}

type Planted = { readonly damaged: DamagedStore; readonly damage: { key: string; byte: number } };

function judgeDamage({ refused }: WholeOutcome, { damaged, damage }: Planted) {
  const reason = refused.find((each) => each.reason.includes(damage.key))?.reason ?? null;
  const planted = { ...damage, reason };
  if (reason !== null) return { planted, faults: [] };
  const what =
    damaged.reads() > 0
      ? "the restore believed an object with a changed byte"
      : "the restore did not read the object that was to be damaged";
  return { planted, faults: [`${what}: byte ${damage.byte} of ${damage.key}`] };
}
