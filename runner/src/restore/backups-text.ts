import { EXIT, type ExitCode } from "../contract/exits.ts";
import { renderBytes, renderCount, renderShort, renderTable, wrapLine } from "../render.ts";
import { renderResult } from "../result.ts";
import { renderDuration, renderTime } from "../time.ts";
import type { BackupList, ListedBackup } from "./list-backups.ts";
import type { Refused } from "./refusal.ts";

/**
 * What the ledger says: by tier when an object was last read and was right (ms). `fault`: why it says nothing; null: it does.
 */
export type Verified = {
  readonly byTier: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly fault: string | null;
};

/** 1 where a tier, a manifest or a record cannot be read, or a manifest is gone. */
export function exitOf({ refused, breaks }: BackupList): ExitCode {
  return refused.length + breaks.length > 0 ? EXIT.failed : EXIT.done;
}

/** When the object that was read longest ago was read (ms); null: it is not known of each object. */
function verifiedAt({ tier, objects }: ListedBackup, { byTier }: Verified): number | null {
  const times = objects?.map((key) => byTier.get(tier)?.get(key)) ?? [];
  const known = times.filter((ms) => ms !== undefined);
  return known.length === 0 || known.length < times.length ? null : known.reduce((a, b) => Math.min(a, b));
}

/** `now` in ms. No line of the table has more than 80 letters. */
export function renderBackups(list: BackupList, verified: Verified, now: number): string {
  const { tiers, backups, refused, breaks } = list;
  const table = renderTable(
    ["backup", "made (UTC)", "kind", "tier", "size", "rows", "verified ago", "suspects"],
    backups.map((backup) => {
      const at = verifiedAt(backup, verified);
      return [
        String(backup.backup),
        // to the second, and in a form that --at takes, which goes by this time
        renderTime(backup.madeAt).slice(0, 19),
        ...[backup.kind, backup.tier],
        backup.bytes === null ? "-" : renderBytes(backup.bytes),
        renderShort(backup.rows),
        at === null ? "-" : renderDuration(Math.max(0, now - at)),
        backup.suspects,
      ];
    }),
  );
  const lines = [
    ...(backups.length === 0 ? [] : [table, ""]),
    ...tiers.map(
      ({ tier, address, backups: count }) =>
        `${tier} (${address}): ${count === null ? "cannot be listed" : renderCount(count, "backup")}`,
    ),
    ...refused.map((each) => wrapLine(`${placeOf(each)}: ${each.reason}`)),
    ...breaks.map(({ tier, manifest, previous }) =>
      wrapLine(`${tier}: the manifest before ${manifest} is gone (${previous}): look who took it away`),
    ),
  ];
  if (verified.fault !== null)
    lines.push(wrapLine(`when the objects were last verified is not known: ${verified.fault}`));
  return `${lines.join("\n")}\n`;
}

function placeOf({ tier, manifest, leaf }: Refused): string {
  return [tier, manifest, leaf].filter((each) => each !== null).join(", ");
}

export function renderBackupsJson(
  { tiers, backups, refused, breaks }: BackupList,
  verified: Verified,
): string {
  return renderResult("backups", {
    tiers,
    backups: backups.map(({ objects, ...backup }) => {
      const at = verifiedAt({ ...backup, objects }, verified);
      return {
        ...backup,
        madeAt: renderTime(backup.madeAt),
        snapshotAt: renderTime(backup.snapshotAt),
        objects: objects?.length ?? null,
        verifiedAt: at === null ? null : renderTime(at),
      };
    }),
    refused: refused.map(({ tier, manifest, leaf, reason }) => ({ tier, manifest, leaf, reason })),
    breaks,
    ledgerFault: verified.fault,
  });
}
