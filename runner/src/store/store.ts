import type { Readable } from "node:stream";
import type { Tier } from "../contract/tiers.ts";

/** One object of a store. */
export type StoredObject = { readonly key: string; readonly bytes: number };

/** A local file whose length and SHA-256 (hex) are known: the spool of one object. */
export type SpooledFile = { readonly path: string; readonly bytes: number; readonly sha256: string };

/**
 * The objects of one tier: folders or S3. Every method takes keys of one form (key.ts), ends when `signal` does with the
 * signal's reason, and rejects else with a StoreFault. An object is written once and never changed.
 */
export type Store = {
  readonly tier: Tier;
  /** The address for messages; it holds no credentials. */
  readonly address: string;
  /**
   * Puts a file under a key that must be new: kind `exists` where it is taken. Resolves once the object would survive the
   * loss of power. A file that is not of that length and hash is not stored: kind `broken`.
   */
  readonly put: (key: string, file: SpooledFile, signal: AbortSignal) => Promise<void>;
  /** The same for a text of at most 16 MiB in UTF-8. */
  readonly putText: (key: string, text: string, signal: AbortSignal) => Promise<void>;
  /**
   * The bytes of an object; kind `missing` where there is none. The stream fails with kind `broken` where fewer or more
   * bytes come than were announced, with `unreachable` where none come for 30 s. Who does not read it to the end destroys it.
   */
  readonly get: (key: string, signal: AbortSignal) => Promise<Readable>;
  /** An object of at most 16 MiB as a text; kind `broken` where it is longer or no UTF-8. */
  readonly getText: (key: string, signal: AbortSignal) => Promise<string>;
  /**
   * The objects whose keys begin with `prefix` (a part of a key, or nothing for all), in the order of the bytes of their
   * keys, page by page; only those behind the key `after` where it is given. What lies there under a name of another form
   * is reported and left out.
   */
  readonly list: (prefix: string, signal: AbortSignal, after?: string) => AsyncIterable<StoredObject>;
  /** null: there is no such object. */
  readonly head: (key: string, signal: AbortSignal) => Promise<StoredObject | null>;
  /** Removes an object; there may be none. Kind `denied` where the tier keeps what it has. */
  readonly remove: (key: string, signal: AbortSignal) => Promise<void>;
  /** This machine's clock minus the store's (ms), by the last answer; null: there was none, or the store has no clock. */
  readonly clockAheadMs: () => number | null;
  readonly close: () => Promise<void>;
};

/** What a store is made with. `report` gets one sentence about something strange in the store that stops nothing. */
export type StoreOptions = { readonly tier: Tier; readonly report: (text: string) => void };

/** A clock that differs so much from that of a store: at 15 min S3 refuses every signature. */
export const STORE_CLOCK_MS = { warn: 60_000, fail: 300_000 } as const;

/** Of a text: a manifest of 600 symbols in six years of months has about 2 MB. */
export const TEXT_BYTES = 16 * 1024 * 1024;
