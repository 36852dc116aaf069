import { Readable } from "node:stream";
import { MANIFEST_PREFIX } from "../../archive/manifest.ts";
import type { Store } from "../../store/store.ts";

/**
 * The tier as if it held this manifest alone: a drill proves one backup, and an older one that restores instead would hide
 * that the newest does not. Who opened the tier closes it.
 */
export function withManifestAlone(store: Store, manifest: string): Store {
  return {
    ...store,
    async *list(prefix, signal) {
      for await (const object of store.list(prefix, signal))
        if (!object.key.startsWith(MANIFEST_PREFIX) || object.key === manifest) yield object;
    },
    async close() {},
  };
}

/** `byte`: its place in the object, from 0. */
export type Damage = { readonly key: string; readonly byte: number };

/** `reads`: how often the damaged object was asked for. */
export type DamagedStore = { readonly store: Store; readonly reads: () => number };

/**
 * The tier as if one byte of one object were another one. The object is changed while it is read: the tier itself keeps what
 * it has. The address is another one than that of the tier, since a restore remembers by it what is broken.
 */
export function withDamage(store: Store, { key, byte }: Damage): DamagedStore {
  let reads = 0;
  const damaged: Store = {
    ...store,
    address: `${store.address} with one byte of ${key} changed by the drill`,
    async get(asked, signal) {
      const source = await store.get(asked, signal);
      if (asked !== key) return source;
      reads += 1;
      const changed = Readable.from(flip(source, byte), { objectMode: false });
      // a stream that is destroyed before its first read never starts the generator, which would keep the file or socket open
      return changed.once("close", () => source.destroy());
    },
    async close() {},
  };
  return { store: damaged, reads: () => reads };
}

async function* flip(source: Readable, byte: number): AsyncGenerator<Buffer, void> {
  let passed = 0;
  for await (const part of source as AsyncIterable<Buffer>) {
    const at = byte - passed;
    passed += part.length;
    if (at < 0 || at >= part.length) yield part;
    else {
      const copy = Buffer.from(part);
      copy[at] = (copy[at] ?? 0) ^ 0xff;
      yield copy;
    }
  }
}
