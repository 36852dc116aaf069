import type { Manifest } from "../archive/manifest.ts";
import type { Candidate } from "./manifests.ts";

/** What a manifest does not know of what is asked for. `leaf` null: it may not be restored from for any leaf. */
export type Lack = { readonly leaf: string | null; readonly reason: string };

/** What a person asks for. `symbols` null: all. */
type Asked = { readonly leaf: string; readonly symbols: readonly string[] | null };

/**
 * Remembers what manifests lack by their keys. A key holds the SHA-256 of the manifest's text, so the copies in other tiers
 * lack the same and need not be read.
 */
export type Lacking = {
  readonly find: (candidate: Candidate, leaf: string) => Lack | null;
  readonly note: (candidate: Candidate, lack: Lack) => void;
  /** Whether it is the first time that the candidate is refused for this. */
  readonly isNew: (candidate: Candidate, lack: Lack) => boolean;
};

export function createLacking(): Lacking {
  const known = new Map<string, Lack>();
  const told = new Set<string>();
  return {
    find: ({ key }, leaf) => known.get(key) ?? known.get(`${key} ${leaf}`) ?? null,
    note: ({ key }, lack) => void known.set(lack.leaf === null ? key : `${key} ${lack.leaf}`, lack),
    isNew({ tier, key }, { leaf, reason }) {
      const name = [tier, key, leaf, reason].join(" ");
      const isNew = !told.has(name);
      told.add(name);
      return isNew;
    },
  };
}

/** null: the manifest knows the leaf and every symbol. */
export function lackOf({ coins, leaves }: Manifest, { leaf, symbols }: Asked): Lack | null {
  const unknown = (symbols ?? []).filter((symbol) => !coins.some((coin) => coin.symbol === symbol));
  if (unknown.length > 0) return { leaf: null, reason: unknownOf(unknown.join(", ")) };
  return leaves.some(({ name }) => name === leaf) ? null : { leaf, reason: unknownOf(`the leaf ${leaf}`) };
}

const UNKNOWN = "it does not know ";

function unknownOf(what: string): string {
  return `${UNKNOWN}${what}`;
}

/** What the manifest of this reason does not know; null: the reason is another one. */
export function unknownIn(reason: string): string | null {
  return reason.startsWith(UNKNOWN) ? reason.slice(UNKNOWN.length) : null;
}
