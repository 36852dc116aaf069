import { startWireProxy, type Wire, type WireProxy } from "./wire-proxy.ts";

/**
 * A firewall that forgets the first connection which says `word`, `afterMs` later; 0: before the word passes. The
 * connection stays open, and all others work.
 */
export async function startForgetfulProxy(target: string, word: string, afterMs = 0): Promise<WireProxy> {
  let isDone = false;
  return startWireProxy(target, () => {
    let isForgotten = false;
    const forget = () => {
      isForgotten = true;
    };
    return {
      onClient(data: Buffer, wire: Wire) {
        if (!isDone && data.includes(word)) {
          isDone = true;
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
}
