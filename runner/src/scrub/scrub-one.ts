import type { Database } from "../db/connect.ts";
import { isGeneral } from "../db/fault.ts";
import { type CatalogLeaf, lacksGuard, listCatalog } from "../db/leaf/leaf-catalog.ts";
import { withShortWaits } from "../db/scrub/look-session.ts";
import { faultOfRead, wordsOf } from "../db/scrub/read-fault.ts";
import { awaitServerMarks, hasCrashed, readServerMarks, type ServerMarks } from "../db/scrub/server-marks.ts";
import { writeReport } from "../db/scrub/write-report.ts";
import { MINUTE_MS } from "../time.ts";
import type { LeafReport } from "./report.ts";
import { type ScrubTools, scrubLeaf } from "./scrub-leaf.ts";

/** How long a server that crashed may take to recover. */
const RECOVERY_MS = 5 * MINUTE_MS;

/** `leaf` null: nobody knows what the catalog says of the leaf. `hasLost`: the connections of the run were lost. */
export type LeafOutcome = {
  readonly leaf: CatalogLeaf | null;
  readonly report: LeafReport;
  readonly hasLost: boolean;
};

/** One leaf, whatever comes of it. A connection that is lost twice without a crash of the server ends the scrub. */
export async function lookAtOne(tools: ScrubTools, name: string): Promise<LeafOutcome> {
  const { db, signal } = tools;
  const before = await readServerMarks(db);
  let leaf: CatalogLeaf | null = null;
  for (let attempt = 1; ; attempt += 1) {
    try {
      // as it is now: a swap may have come since the names were listed
      leaf = await find(tools, name);
      const report = leaf === null ? NOTHING : await scrubLeaf(tools, leaf);
      return { leaf, report: await addChecksums(db, before, report), hasLost: attempt > 1 };
    } catch (error) {
      signal.throwIfAborted();
      const fault = faultOfRead(error);
      if (fault !== "lost") {
        if (fault !== "busy" && isGeneral(error)) throw error;
        return { leaf, report: { ...NOTHING, skipped: wordsOf(error) }, hasLost: false };
      }
      const after = await awaitServerMarks(db, { patienceMs: RECOVERY_MS, signal });
      if (hasCrashed(before, after))
        return {
          leaf: leaf ?? (await find(tools, name)),
          report: { ...NOTHING, findings: [{ detector: "unreadable", detail: CRASHED }] },
          hasLost: true,
        };
      if (attempt === 2) throw error;
    }
  }
}

async function find({ db, signal }: ScrubTools, name: string): Promise<CatalogLeaf | null> {
  return (await withShortWaits({ db, signal }, (client) => listCatalog(client, name)))[0] ?? null;
}

const NOTHING: LeafReport = { findings: [], checked: [], skipped: null };
const CRASHED =
  "a process of the server crashed while the leaf was read: the log of the server says which, and which signal ended it";

/** The server counts a page with a wrong checksum when somebody reads it from the disk. */
async function addChecksums(db: Database, before: ServerMarks, report: LeafReport): Promise<LeafReport> {
  if (report.findings.length === 0) return report;
  const { failedPages } = await readServerMarks(db);
  const failed = (failedPages ?? 0) - (before.failedPages ?? 0);
  if (failed <= 0) return report;
  const detail = `the server met wrong checksums of pages ${failed} times while the leaf was read`;
  return { ...report, findings: [...report.findings, { detector: "checksum", detail }] };
}

/** As in ScrubbedLeaf. */
export type WrittenReport = {
  readonly findings: LeafReport["findings"];
  readonly gone: LeafReport["checked"];
  readonly skipped: string | null;
  readonly isUnguarded: boolean;
};

/** Writes what was found of a leaf, unless another table is in its place since then. */
export async function writeOne(
  { db, signal }: Pick<ScrubTools, "db" | "signal">,
  { leaf, report }: LeafOutcome,
  runId: string,
): Promise<WrittenReport> {
  const { findings, skipped } = report;
  if (leaf === null) return { findings, skipped, gone: [], isUnguarded: false };
  const isUnguarded = lacksGuard(leaf);
  // rows that came past the guard are damage only as long as the leaf counts as sealed
  const opens = isUnguarded && findings.length === 0 && skipped === null;
  try {
    const gone = await writeReport(db, signal, { leaf, ...report, opens, runId });
    if (gone !== null) return { findings, skipped, gone, isUnguarded };
    return {
      findings: [],
      gone: [],
      skipped: "its table was replaced while it was read",
      isUnguarded: false,
    };
  } catch (error) {
    const fault = faultOfRead(error);
    if (fault !== "busy" && fault !== "gone") throw error;
    return {
      findings,
      gone: [],
      skipped: `what was found could not be written: ${wordsOf(error)}`,
      isUnguarded,
    };
  }
}
