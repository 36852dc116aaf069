import { Readable } from "node:stream";
import { HeadObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { StorageClass } from "../contract/tiers.ts";
import { type Content, checked } from "./content.ts";
import { StoreFault, type StorePlace } from "./fault.ts";
import { faultOfS3 } from "./s3-fault.ts";
import { ask, secretsOf, type Try } from "./s3-send.ts";

/** What one request may put; ours are parts of a month and far below. */
const MOST_BYTES = 5 * 1024 ** 3;

export type Put = {
  readonly client: S3Client;
  readonly bucket: string;
  /** With the prefix of the tier. */
  readonly name: string;
  readonly storageClass: StorageClass | null;
  readonly place: StorePlace;
};

/**
 * Puts an object on the condition that its name is free. Where an answer was lost, the next try finds the name taken: by
 * what this call put, if length and SHA-256 are the same.
 */
export async function putNew(put: Put, content: Content, signal: AbortSignal): Promise<void> {
  const { client, place } = put;
  if (content.bytes > MOST_BYTES)
    throw new StoreFault(
      "refused",
      `an object of ${content.bytes} bytes is larger than S3 takes at once`,
      place,
    );
  await ask({ client, place, signal, bytes: content.bytes }, async (of) => {
    try {
      await send(put, content, of);
    } catch (error) {
      const fault = faultOfS3(error, place, await secretsOf(client));
      const kind = fault instanceof StoreFault ? fault.kind : null;
      if (kind === "exists" && of.attempt > 1 && (await isOurs(put, content, of))) return;
      // versitygw looks at the lock of an object before it looks at the condition
      if (kind === "denied" && (await isOurs(put, content, of).catch(() => false))) throw taken(place);
      throw error;
    }
  });
}

function taken(place: StorePlace): StoreFault {
  return new StoreFault("exists", "the key is taken by a locked object of the same bytes", place);
}

async function send(
  { client, bucket, name, storageClass, place }: Put,
  content: Content,
  of: Try,
): Promise<void> {
  const parts = checked(content, place, of.progress);
  const body = Readable.from(parts, { objectMode: false, highWaterMark: 256 * 1024 });
  // of a body that fails the client hears nothing, and waits for the rest of it
  const failed = new AbortController();
  body.on("error", (error) => failed.abort(error));
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key: name,
    Body: body,
    ContentLength: content.bytes,
    ChecksumSHA256: Buffer.from(content.sha256, "hex").toString("base64"),
    IfNoneMatch: "*",
    StorageClass: storageClass ?? undefined,
  });
  command.middlewareStack.add(
    (next) => (given) => {
      // without TLS the client would leave a stream out of what it signs
      const request = given.request as { readonly headers: Record<string, string> };
      request.headers["x-amz-content-sha256"] = content.sha256;
      return next(given);
    },
    { step: "build", name: "r3aSignBody" },
  );
  try {
    const abortSignal = AbortSignal.any([of.signal, failed.signal]);
    await client.send(command, { abortSignal });
  } catch (error) {
    throw failed.signal.reason ?? error;
  } finally {
    body.destroy();
  }
}

async function isOurs({ client, bucket, name }: Put, content: Content, of: Try): Promise<boolean> {
  const command = new HeadObjectCommand({ Bucket: bucket, Key: name, ChecksumMode: "ENABLED" });
  const found = await client.send(command, { abortSignal: of.signal });
  const sha256 = Buffer.from(found.ChecksumSHA256 ?? "", "base64").toString("hex");
  return found.ContentLength === content.bytes && sha256 === content.sha256;
}
