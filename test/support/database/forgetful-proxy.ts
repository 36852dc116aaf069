import { startWireProxy, type Wire, type WireProxy } from "./wire-proxy.ts";

export type ForgetfulProxy = WireProxy & {
  /** When the word was said, by performance.now(); null before. */
  readonly saidAt: () => number | null;
};

/**
 * A firewall that forgets the first connection which says `word`, `afterMs` later; 0: before the word passes. The
 * connection stays open, and all others work.
 */
export async function startForgetfulProxy(
  target: string,
  word: string,
  afterMs = 0,
): Promise<ForgetfulProxy> {
  let saidAt: number | null = null;
  const proxy = await startWireProxy(target, () => {
    let isForgotten = false;
    const forget = () => {
      isForgotten = true;
    };
    return {
      onClient(data: Buffer, wire: Wire) {
        if (saidAt === null && data.includes(word)) {
          saidAt = performance.now();
          if (afterMs === 0) forget();
          else setTimeout(forget, afterMs);
        }
        if (!isForgotten) wire.toServer(data);
      },
      onServer(data: Buffer, wire: Wire) {
        if (!isForgotten) wire.toClient(data);
      },
    };
  });
  return { ...proxy, saidAt: () => saidAt };
}
