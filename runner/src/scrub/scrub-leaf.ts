import { DETECTORS, type Detector } from "../contract/damage.ts";
import type { BackupLeaf } from "../db/backup/backup-leaf.ts";
import { damagedOf } from "../db/connection/damage.ts";
import { codeOf } from "../db/fault.ts";
import type { Finding } from "../db/leaf/damage-rows.ts";
import { type CatalogLeaf, judgeCatalog } from "../db/leaf/leaf-catalog.ts";
import { readLeafState } from "../db/leaf/state.ts";
import { hasRow, listLackingRows, withLook, withShortWaits } from "../db/scrub/look-session.ts";
import { faultOfRead, wordsOf } from "../db/scrub/read-fault.ts";
import { findReadable } from "../db/scrub/readable-pages.ts";
import type { OwnClient } from "../db/session.ts";
import { UNDEFINED_FILE } from "../db/sqlstate.ts";
import { checkIndexes, type IndexTools } from "./check-indexes.ts";
import { describeLacking, describePages, type LeafLook, listFindings } from "./findings.ts";
import type { LeafReport } from "./report.ts";

/** Judges a leaf beside the ledger of backups in the transaction of the client, and only reads. The noun backup has it. */
export type LookAtLeaf = (client: OwnClient, leaf: BackupLeaf) => Promise<LeafLook>;

export type ScrubTools = IndexTools & {
  readonly look: LookAtLeaf;
  readonly symbols: ReadonlyMap<number, string>;
};

const OF_CATALOG: readonly Detector[] = ["missing", "detached"];
const OF_TABLE: readonly Detector[] = ["truncated", "file"];
const OF_ROWS: readonly Detector[] = ["content", "slots", "suspects", "unreadable", "checksum"];

/**
 * Looks at a leaf: catalog, every row, indexes. A lost connection comes out as the error that it is: the caller asks the server
 * whether it crashed.
 */
export async function scrubLeaf(tools: ScrubTools, leaf: CatalogLeaf): Promise<LeafReport> {
  const ofCatalog = judgeCatalog(leaf);
  if (leaf.bytes === null) return { findings: ofCatalog, checked: OF_CATALOG, skipped: null };
  if (ofCatalog.some(({ detector }) => detector === "truncated")) {
    const findings = await sayWhyEmpty(tools, leaf, ofCatalog);
    return { findings, checked: [...OF_CATALOG, ...OF_TABLE], skipped: null };
  }
  const rows = await readRows(tools, leaf);
  const isRead = rows.checked.length > 0;
  const indexes = await checkIndexes(tools, leaf, isRead);
  const findings = [...ofCatalog, ...rows.findings, ...indexes.findings];
  const unique = DETECTORS.flatMap((one) => findings.find(({ detector }) => detector === one) ?? []);
  return {
    findings: unique,
    checked: [...OF_CATALOG, ...OF_TABLE, ...rows.checked, ...indexes.checked],
    skipped: [rows.skipped, indexes.skipped].filter((each) => each !== null).join("; ") || null,
  };
}

/** A table without a page that should have rows: it was emptied, or its file is gone. */
async function sayWhyEmpty(
  { db, signal }: ScrubTools,
  leaf: CatalogLeaf,
  found: readonly Finding[],
): Promise<readonly Finding[]> {
  try {
    await withLook({ db, signal }, leaf, (client) => hasRow(client, leaf));
    return found;
  } catch (error) {
    if (faultOfRead(error) !== "unreadable") throw error;
    const detector = codeOf(error) === UNDEFINED_FILE ? "file" : "unreadable";
    return [...found.filter((each) => each.detector !== "truncated"), { detector, detail: wordsOf(error) }];
  }
}

async function readRows(tools: ScrubTools, leaf: CatalogLeaf): Promise<LeafReport> {
  const { db, signal, look, symbols } = tools;
  try {
    const { seen, isSealed } = await withLook({ db, signal }, leaf, async (client) => ({
      seen: await look(client, leaf),
      // in the snapshot of the rows: a writer reopens the leaf in the transaction that writes
      isSealed: (await readLeafState(client, leaf.name))?.state === "sealed",
    }));
    return { findings: listFindings(seen, symbols, isSealed), checked: OF_ROWS, skipped: null };
  } catch (error) {
    const fault = faultOfRead(error);
    if (fault === "busy" || fault === "gone") return { findings: [], checked: [], skipped: wordsOf(error) };
    if (fault !== "unreadable") throw error;
    return { findings: await sayWhatIsUnreadable(tools, leaf, error), checked: [], skipped: null };
  }
}

/** Which pages of the table cannot be read; where all can, an index led the server astray, and the rows are counted without it. */
async function sayWhatIsUnreadable(
  { db, signal, symbols }: ScrubTools,
  leaf: CatalogLeaf,
  error: unknown,
): Promise<readonly Finding[]> {
  const relation = damagedOf(error);
  const words = wordsOf(error);
  if (codeOf(error) === UNDEFINED_FILE && relation?.indexOf == null)
    return [{ detector: "file", detail: words }];
  try {
    const isDamage = (each: unknown) => faultOfRead(each) === "unreadable";
    const found = await withShortWaits({ db, signal }, (client) => findReadable(client, leaf, isDamage));
    if (found.unreadable.length > 0) return [{ detector: "unreadable", detail: describePages(words, found) }];
    const lacking = await withLook({ db, signal }, leaf, (client) => listLackingRows(client, leaf));
    const which = relation?.indexOf == null ? "an index" : relation.name;
    return [
      {
        detector: "index",
        detail: `${which} leads the server astray, and every page of the table can be read: ${words}`,
      },
      ...(lacking.length === 0
        ? []
        : [{ detector: "slots" as const, detail: describeLacking(lacking, symbols) }]),
    ];
  } catch (later) {
    if (faultOfRead(later) !== "unreadable") throw later;
    // the plan of each statement needs the index that is damaged
    const detector = relation?.indexOf == null ? "unreadable" : "index";
    return [{ detector, detail: words }];
  }
}
