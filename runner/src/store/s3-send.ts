import type { S3Client } from "@aws-sdk/client-s3";
import pRetry from "p-retry";
import { type Bounded, longestMs, SILENCE_MS, withBounds } from "./bounded.ts";
import { StoreFault, type StoreFaultKind, type StorePlace } from "./fault.ts";
import { faultOfS3 } from "./s3-fault.ts";

/**
 * Tries after the first, by what failed. The client corrects its clock by the store's answer, so one more try shows
 * whether that was enough. What was mangled on its way was not stored.
 */
const RETRIES: Readonly<Partial<Record<StoreFaultKind, number>>> = { unreachable: 5, broken: 2, clock: 1 };

/** 0.5 s, doubled up to 8 s: a store that asks to slow down is left alone for a while, and the run goes on within 20 s. */
const PAUSES = { minTimeout: 500, maxTimeout: 8_000, factor: 2, randomize: true } as const;

export type Asked = {
  readonly client: S3Client;
  readonly place: StorePlace;
  readonly signal: AbortSignal;
  /** How many bytes the answer or the request has. */
  readonly bytes: number;
};

/** `attempt` counts from 1. */
export type Try = Bounded & { readonly attempt: number };

/**
 * Does the work, and again where another try may help. All tries together have the time that their bytes allow, each ends
 * where nothing moves. Rejects with a StoreFault without secrets, or with the reason of the run.
 */
export async function ask<T>(
  { client, place, signal: ofRun, bytes }: Asked,
  work: (of: Try) => Promise<T>,
): Promise<T> {
  const tries = new Map<StoreFaultKind, number>();
  const wholeMs = longestMs(bytes);
  let isOurs = false;
  return withBounds({ signal: ofRun, wholeMs, silenceMs: wholeMs, place }, async ({ signal }) =>
    pRetry(
      async (attempt) => {
        try {
          const bounds = { signal, wholeMs, silenceMs: SILENCE_MS, place };
          return await withBounds(bounds, (bounded) => work({ ...bounded, attempt }));
        } catch (error) {
          signal.throwIfAborted();
          // what this program itself found wrong stays wrong; a silence may pass
          isOurs = error instanceof StoreFault && error.kind !== "unreachable";
          throw faultOfS3(error, place, await secretsOf(client));
        }
      },
      {
        retries: 10,
        ...PAUSES,
        signal,
        shouldRetry: ({ error }) => {
          if (isOurs || !(error instanceof StoreFault)) return false;
          const count = (tries.get(error.kind) ?? 0) + 1;
          tries.set(error.kind, count);
          return count <= (RETRIES[error.kind] ?? 0);
        },
      },
    ),
  );
}

/** What must not be in a message: the key that the client signs with, wherever it got it from. */
export async function secretsOf(client: S3Client): Promise<readonly string[]> {
  try {
    const { accessKeyId, secretAccessKey, sessionToken = "" } = await client.config.credentials();
    return [secretAccessKey, sessionToken, accessKeyId];
  } catch {
    return []; // there are none, which is what the fault is about
  }
}
