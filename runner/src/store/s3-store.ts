import type { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
} from "@aws-sdk/client-s3";
import type { StorageClass } from "../contract/tiers.ts";
import type { Content } from "./content.ts";
import { StoreFault, type StorePlace } from "./fault.ts";
import { assertKey, assertPrefix } from "./key.ts";
import { measured } from "./measured.ts";
import { createClient } from "./s3-client.ts";
import { faultOfS3 } from "./s3-fault.ts";
import { listObjects } from "./s3-list.ts";
import type { Profile } from "./s3-profile.ts";
import { putNew } from "./s3-put.ts";
import { ask, secretsOf, type Try } from "./s3-send.ts";
import { readSpooled } from "./spooled-file.ts";
import type { Store, StoredObject, StoreOptions } from "./store.ts";
import { createStrangers } from "./strangers.ts";
import { encodeText, partsOf, readText } from "./text.ts";

export type S3Options = StoreOptions & {
  readonly bucket: string;
  /** "" or names divided by `/`. */
  readonly prefix: string;
  readonly isPathStyle: boolean;
  readonly storageClass: StorageClass | null;
  /** Whose key, region and endpoint are used; null or absent: those of the environment. */
  readonly profile?: Profile | null;
};

/** The tier in a bucket of S3, below a prefix. Importing this file loads the client of S3 (30 MB). */
export function openS3Store(options: S3Options): Store {
  const { tier, report, bucket, prefix, isPathStyle, storageClass, profile = null } = options;
  const base = prefix === "" ? "" : `${prefix}/`;
  const address = `s3://${bucket}${prefix === "" ? "" : `/${prefix}`}`;
  const { client, clockAheadMs } = createClient({ isPathStyle, profile }, { tier, address });
  const placeOf = (key: string): StorePlace => ({ tier, address, key });
  let hasBucket = false;

  const onObject = async <T>(
    key: string,
    signal: AbortSignal,
    work: (of: Try & { readonly place: StorePlace }) => Promise<T>,
  ): Promise<T> => {
    const place = placeOf(key);
    signal.throwIfAborted();
    assertKey(key, place);
    return ask({ client, place, signal, bytes: 0 }, (of) => work({ ...of, place }));
  };

  const write = async (key: string, content: Content, signal: AbortSignal) => {
    const place = placeOf(key);
    signal.throwIfAborted();
    assertKey(key, place);
    await putNew({ client, bucket, name: base + key, storageClass, place }, content, signal);
  };

  const read = async (key: string, signal: AbortSignal) => {
    const secrets = await secretsOf(client);
    return onObject(key, signal, async ({ place, signal: abortSignal }) => {
      const command = new GetObjectCommand({ Bucket: bucket, Key: base + key });
      const { Body, ContentLength: bytes } = await client.send(command, { abortSignal });
      const source = Body as Readable;
      if (bytes === undefined || !Number.isSafeInteger(bytes) || bytes < 0) {
        source.destroy();
        throw new StoreFault("broken", "the store announced no length; look at the store", place);
      }
      const faultOf = (error: unknown) => faultOfS3(error, place, secrets);
      return { bytes, stream: measured(source, { bytes, place, signal, faultOf }) };
    });
  };

  /** An answer to HEAD has no body: a bucket or an account that is not there looks like an object that is not. */
  const assertBucket = async ({ signal: abortSignal }: Try) => {
    if (hasBucket) return;
    await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: base, MaxKeys: 1 }), {
      abortSignal,
    });
    hasBucket = true;
  };

  async function* list(
    keyPrefix: string,
    signal: AbortSignal,
    after = "",
  ): AsyncGenerator<StoredObject, void> {
    const place = placeOf("");
    signal.throwIfAborted();
    assertPrefix(keyPrefix, place);
    const strangers = createStrangers(report, place);
    try {
      yield* listObjects({
        client,
        bucket,
        base,
        prefix: keyPrefix,
        after,
        place,
        signal,
        onStranger: strangers.add,
      });
    } finally {
      strangers.finish();
    }
  }

  return {
    tier,
    address,
    list,
    put: (key, { path, bytes, sha256 }, signal) =>
      write(key, { parts: () => readSpooled(path), bytes, sha256 }, signal),
    async putText(key, text, signal) {
      const { body, bytes, sha256 } = encodeText(text, placeOf(key));
      await write(key, { parts: () => partsOf(body), bytes, sha256 }, signal);
    },
    get: async (key, signal) => (await read(key, signal)).stream,
    async getText(key, signal) {
      const { stream, bytes } = await read(key, signal);
      return readText(stream, bytes, placeOf(key));
    },
    head: (key, signal) =>
      onObject(key, signal, async (of) => {
        try {
          const command = new HeadObjectCommand({ Bucket: bucket, Key: base + key });
          const { ContentLength } = await client.send(command, { abortSignal: of.signal });
          return { key, bytes: Number(ContentLength) };
        } catch (error) {
          const fault = faultOfS3(error, of.place, await secretsOf(client));
          if (!(fault instanceof StoreFault) || fault.kind !== "missing") throw error;
          await assertBucket(of);
          return null;
        }
      }),
    async remove(key, signal) {
      await onObject(key, signal, ({ signal: abortSignal }) =>
        client.send(new DeleteObjectCommand({ Bucket: bucket, Key: base + key }), { abortSignal }),
      );
    },
    clockAheadMs,
    async close() {
      client.destroy();
    },
  };
}
