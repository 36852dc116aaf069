import { objectOf, type Read, text, WrongValue, whole } from "./bounded-json.ts";

/**
 * A sealed object of a store. `bytes`, `sha256`: of the cipher text, which the store holds; `plainBytes`, `plainSha256`:
 * of the COPY text in it. Hashes in hex.
 */
export type ObjectRef = {
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly plainBytes: number;
  readonly plainSha256: string;
  readonly rows: number;
};

export const SHA256 = /^[0-9a-f]{64}$/;
export const OBJECT_KEY = /^objects\/([0-9a-f]{2})\/([0-9a-f]{64})-[0-9a-f]{8,32}\.zst\.age$/;
/** Far above what 2,000,000 rows make (200 MB plain), far below what a store refuses. */
const MOST_BYTES = 1024 ** 4;
const MOST_ROWS = 1_000_000_000;

/** The fields of an object, to be spread into those of a larger thing. */
export const OBJECT_REF = {
  key: text(200, OBJECT_KEY),
  bytes: whole(1, MOST_BYTES),
  sha256: text(64, SHA256),
  plainBytes: whole(0, MOST_BYTES),
  plainSha256: text(64, SHA256),
  rows: whole(0, MOST_ROWS),
} as const;

/** An object whose name is made of the hash of its plain text. */
export const readObjectRef: Read<ObjectRef> = named(objectOf<ObjectRef>(OBJECT_REF));

/** The same of a thing with more fields than those of the object. */
export function named<T extends ObjectRef>(read: Read<T>): Read<T> {
  return (value, path) => {
    const ref = read(value, path);
    const [, folder, plain] = OBJECT_KEY.exec(ref.key) ?? [];
    if (plain !== ref.plainSha256 || folder !== plain.slice(0, 2))
      throw new WrongValue(`${path}.key`, "must be made of the plainSha256 beside it");
    return ref;
  };
}
