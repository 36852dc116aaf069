import type { Interval } from "../contract/intervals.ts";
import { renderTime } from "../time.ts";
import { measureText } from "./named-text.ts";
import type { ObjectRef } from "./object-ref.ts";

export type BackupKind = "daily" | "delta";

/** A leaf with the text that holds its parts; `from`, `to`: its open times, ISO UTC. */
export type ManifestLeaf = {
  readonly name: string;
  readonly parent: string;
  readonly from: string;
  readonly to: string;
  readonly key: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly parts: number;
  readonly rows: number;
};

/** Rows that are applied onto the bases of a leaf; `backup` is the one that wrote them. */
export type ManifestDelta = ObjectRef & {
  readonly leaf: string;
  readonly backup: number;
  readonly from: string;
  readonly to: string;
};

/** `whole`: replaces what was before; `rows`: rows that changed; `series`: rows of these series replace theirs. */
export type TableObject = ObjectRef & { readonly mode: "whole" | "rows" | "series"; readonly backup: number };

/** A place where the stored rows are not what a restore gives back. `at`: open time; null: not known which row. */
export type ManifestSuspect = {
  readonly leaf: string;
  readonly coinId: number;
  readonly interval: Interval;
  readonly at: string | null;
  readonly kind: "changed" | "vanished" | "content";
  readonly since: string;
};

export type Watermark = {
  readonly coinId: number;
  readonly interval: Interval;
  readonly coveredFrom: string;
  readonly coveredTo: string;
  readonly lastTs: string;
};

/**
 * All that a restore needs to know, written after everything that it names was read back. Times are ISO UTC. `form`: of
 * the COPY text. `deltas` are in the order in which they are applied.
 */
export type Manifest = {
  readonly version: 1;
  readonly form: 1;
  readonly kind: BackupKind;
  readonly madeAt: string;
  readonly snapshotAt: string;
  readonly backup: number;
  readonly runId: string;
  readonly r3aVersion: string;
  readonly migrations: readonly string[];
  readonly server: { readonly version: number; readonly systemIdentifier: string; readonly timeline: number };
  readonly hash: {
    readonly algorithm: "hashtextextended-sum64";
    readonly form: 1;
    readonly serverVersion: number;
  };
  readonly previous: { readonly key: string; readonly sha256: string } | null;
  readonly coins: readonly { readonly id: number; readonly symbol: string }[];
  readonly leaves: readonly ManifestLeaf[];
  readonly deltas: readonly ManifestDelta[];
  readonly tables: readonly {
    readonly name: string;
    readonly columns: readonly string[];
    readonly objects: readonly TableObject[];
  }[];
  readonly schema: ObjectRef;
  readonly suspects: readonly ManifestSuspect[];
  readonly beside: readonly (ObjectRef & { readonly leaf: string })[];
  readonly watermarks: readonly Watermark[];
};

/** Of the form of the text. Higher where a reader of today would restore wrongly. */
export const MANIFEST_VERSION = 1;
export const MANIFEST_PREFIX = "manifests/";
/** Small letters alone: a folder on a disk that ignores case, and the stores' form of a key, allow nothing else. */
export const MANIFEST_KEY =
  /^manifests\/(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)z-(daily|delta)-([0-9a-f]{64})\.json$/;

/** What the key of a manifest says. `madeAt`: ISO UTC, whole seconds. */
export type ManifestName = {
  readonly key: string;
  readonly madeAt: string;
  readonly kind: BackupKind;
  readonly sha256: string;
};

/** null where the key is not one of a manifest. */
export function parseManifestKey(key: string): ManifestName | null {
  const [, year, month, day, hour, minute, second, kind, sha256] = MANIFEST_KEY.exec(key) ?? [];
  if (sha256 === undefined) return null;
  const ms = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  const madeAt = renderTime(ms);
  // Date.UTC rolls 31 February over to March
  if (madeAt !== `${year}-${month}-${day}T${hour}:${minute}:${second}Z`) return null;
  return { key, madeAt, kind: kind === "daily" ? "daily" : "delta", sha256 };
}

/** The text and the key that it is stored under. `madeAt` must have whole seconds, since the key has them. */
export function renderManifest(manifest: Manifest): { readonly key: string; readonly text: string } {
  const text = `${JSON.stringify(manifest)}\n`;
  const moment = manifest.madeAt.toLowerCase().replace(/[-:]/g, "");
  const key = `${MANIFEST_PREFIX}${moment}-${manifest.kind}-${measureText(text).sha256}.json`;
  if (parseManifestKey(key) === null) throw new Error(`no key can be made of ${manifest.madeAt}`);
  return { key, text };
}
