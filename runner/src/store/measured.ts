import { Readable } from "node:stream";
import { SILENCE_MS } from "./bounded.ts";
import { StoreFault, type StorePlace } from "./fault.ts";

export type Announced = {
  readonly bytes: number;
  readonly place: StorePlace;
  readonly signal: AbortSignal;
  /** The fault behind an error of the source. */
  readonly faultOf: (error: unknown) => Error;
};

/**
 * The source as a stream that ends well only when exactly the announced bytes came: a body that is cut short ends without
 * an error where the server closes the connection in order.
 */
export function measured(source: Readable, announced: Announced): Readable {
  const out = Readable.from(pass(source, announced), { objectMode: false, highWaterMark: 256 * 1024 });
  // a stream that is destroyed before its first read never starts the generator, which would keep the file or socket open
  out.once("close", () => source.destroy());
  return out;
}

async function* pass(
  source: Readable,
  { bytes, place, signal, faultOf }: Announced,
): AsyncGenerator<Buffer, void> {
  let count = 0;
  let cause: unknown;
  const stop = (reason: unknown) => {
    cause = reason;
    source.destroy();
  };
  const watch = () =>
    setTimeout(() => {
      const text = `no byte came for ${SILENCE_MS / 1000} s after ${count} of ${bytes}; look whether the disk or the network there hangs`;
      stop(new StoreFault("unreachable", text, place));
    }, SILENCE_MS);
  const onAbort = () => stop(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  let silence = watch();
  try {
    signal.throwIfAborted();
    for await (const part of source as AsyncIterable<Buffer>) {
      clearTimeout(silence); // a slow reader is no silence of the store
      count += part.length;
      if (count > bytes) throw wrongLength(`more than the ${bytes} bytes that were announced came`, place);
      yield part;
      silence = watch();
    }
  } catch (error) {
    throw cause ?? (error instanceof StoreFault ? error : faultOf(error));
  } finally {
    clearTimeout(silence);
    signal.removeEventListener("abort", onAbort);
  }
  if (cause !== undefined) throw cause;
  if (count < bytes) throw wrongLength(`only ${count} of the ${bytes} bytes that were announced came`, place);
}

function wrongLength(what: string, place: StorePlace): StoreFault {
  return new StoreFault("broken", `${what}; take the object from another tier, or run again`, place);
}
