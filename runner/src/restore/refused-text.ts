import { ENCRYPTED_TO_OTHERS } from "../archive/object/fault.ts";
import type { Logger } from "../log.ts";
import { renderNumber, wrapLine } from "../render.ts";
import { unknownIn } from "./lacking.ts";
import type { Refuse } from "./manifests.ts";
import { type Refused, tellRefused } from "./refusal.ts";

/** A wrong key says the same of every object, so the object's name makes no reason of its own. */
function sameFor(reason: string): string {
  const at = reason.indexOf(ENCRYPTED_TO_OTHERS);
  return at < 0 ? reason : reason.slice(at);
}

/**
 * Collects what is refused. The log says each reason once for each tier: a wrong key is found again in each of the thousands
 * of manifests that deltas leave behind.
 */
export function collectRefused(log: Logger): {
  readonly refused: readonly Refused[];
  readonly refuse: Refuse;
} {
  const refused: Refused[] = [];
  const told = new Set<string>();
  const refuse: Refuse = (one) => {
    refused.push(one);
    const reason = `${one.tier} ${sameFor(one.reason)}`;
    if (told.has(reason)) return;
    told.add(reason);
    tellRefused(log, one);
  };
  return { refused, refuse };
}

/** One sentence where nothing could be restored and all refusals have one cause; else that there is nothing. */
export function concludeNone(refused: readonly Refused[]): string {
  const [first] = refused;
  if (first === undefined) return "no backup can be restored from: the tiers hold none";
  if (refused.every(({ reason }) => reason.includes(ENCRYPTED_TO_OTHERS)))
    return "the secret key opens no backup: give BACKUP_IDENTITY_FILE a further line with the secret key of one of the public keys that BACKUP_RECIPIENTS had then";
  const unknown = unknownIn(first.reason);
  if (unknown !== null && refused.every(({ reason }) => reason === first.reason))
    return `no backup knows ${unknown}`;
  return "no backup can be restored from";
}

/** What was refused, a line for each reason of a tier with the newest manifest, in at most 80 columns. */
export function renderRefused(refused: readonly Refused[]): readonly string[] {
  if (refused.length === 0) return [];
  const groups = Map.groupBy(refused, ({ tier, reason }) => `${tier} ${sameFor(reason)}`);
  return ["", "not restored from:", ...[...groups.values()].flatMap(renderGroup)];
}

function renderGroup(group: readonly Refused[]): readonly string[] {
  const [newest] = group;
  if (newest === undefined) return [];
  const manifests = new Set(group.map(({ manifest }) => manifest)).size;
  const leaves = new Set(group.flatMap(({ leaf }) => leaf ?? [])).size;
  // the fault of a manifest's own text names it
  const single = newest.manifest !== null && newest.reason.includes(newest.manifest) ? null : newest.manifest;
  const place = [
    newest.tier,
    manifests > 1 ? `${renderNumber(manifests)} backups, the newest ${newest.manifest}` : single,
    leaves > 1 ? `${renderNumber(leaves)} leaves` : newest.leaf,
  ].filter((part) => part !== null);
  const reason = group.length > 1 ? sameFor(newest.reason) : newest.reason;
  return [wrapLine(`  ${place.join(", ")}: ${reason}`)];
}
