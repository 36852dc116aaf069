import { ListObjectsV2Command, type ListObjectsV2CommandOutput, type S3Client } from "@aws-sdk/client-s3";
import { printable } from "../candle/printable.ts";
import { StoreFault, type StorePlace } from "./fault.ts";
import { isKey } from "./key.ts";
import { ask } from "./s3-send.ts";
import type { StoredObject } from "./store.ts";

/** The most that S3 gives. */
const PAGE = 1_000;
/** An answer of so many names has less than 1 MB. */
const PAGE_BYTES = 1024 * 1024;
/** Pages without an object of ours that are read one after the other; a bucket of strangers is not read to its end. */
const EMPTY_PAGES = 100;

export type Listing = {
  readonly client: S3Client;
  readonly bucket: string;
  /** What stands before every key of the tier, "" or with a `/` at its end. */
  readonly base: string;
  readonly prefix: string;
  /** Keys up to this one are left out; "" leaves out none. */
  readonly after: string;
  readonly place: StorePlace;
  readonly signal: AbortSignal;
  readonly onStranger: (name: string) => void;
};

/** The objects of the tier whose keys begin with `prefix`. A listing that is out of order or without end is not believed. */
export async function* listObjects(of: Listing): AsyncGenerator<StoredObject, void> {
  let token: string | undefined;
  let last = "";
  let empty = 0;
  do {
    const page = await askPage(of, token);
    empty += 1;
    for (const { Key, Size } of page.Contents ?? []) {
      const key = readKey(of, page, Key);
      // a store that does not know StartAfter begins at the beginning
      if (key === null || key <= of.after) continue;
      if (key <= last || !Number.isSafeInteger(Size) || Number(Size) < 0)
        throw strange(`the listing is out of order or has no length at ${key}`, of.place);
      last = key;
      empty = 0;
      yield { key, bytes: Number(Size) };
    }
    if (empty > EMPTY_PAGES)
      throw strange(
        `${EMPTY_PAGES} pages of the listing have no object of R3A; is this the place of a tier?`,
        of.place,
      );
    const next = page.NextContinuationToken;
    if (page.IsTruncated === true && (next === undefined || next === token))
      throw strange("the listing says that it goes on, and not where", of.place);
    token = page.IsTruncated === true ? next : undefined;
  } while (token !== undefined);
}

function askPage(
  { client, bucket, base, prefix, after, place, signal }: Listing,
  token: string | undefined,
): Promise<ListObjectsV2CommandOutput> {
  const command = {
    Bucket: bucket,
    Prefix: base + prefix,
    MaxKeys: PAGE,
    // XML cannot hold every character that a key of somebody else can
    EncodingType: "url",
    StartAfter: after === "" ? undefined : base + after,
    ContinuationToken: token,
  } as const;
  return ask({ client, place, signal, bytes: PAGE_BYTES }, ({ signal: abortSignal }) =>
    client.send(new ListObjectsV2Command(command), { abortSignal }),
  );
}

/** The key within the tier; null, after it was reported, where it is none of ours. */
function readKey(of: Listing, page: ListObjectsV2CommandOutput, name: string | undefined): string | null {
  const whole = page.EncodingType === "url" ? decode(name ?? "") : (name ?? "");
  const key = whole.slice(of.base.length);
  if (whole.startsWith(of.base + of.prefix) && isKey(key)) return key;
  // consoles make an empty object for the prefix itself
  if (whole !== of.base) of.onStranger(printable(key, 100));
  return null;
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll("+", " "));
  } catch {
    return name; // some server that does not encode as it says: the key is judged as it is
  }
}

function strange(text: string, place: StorePlace): StoreFault {
  return new StoreFault("broken", `${text}; look at the store`, place);
}
