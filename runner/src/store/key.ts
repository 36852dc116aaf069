import { StoreFault, type StorePlace } from "./fault.ts";

/** Characters, as S3 counts them too; S3 takes 1,024. */
const LONGEST_KEY = 300;
/** 255 bytes are the longest name of a file on the file systems of Linux. */
const SEGMENT = "[a-z0-9][a-z0-9._-]{0,199}";
const KEY = new RegExp(`^${SEGMENT}(/${SEGMENT})*$`);
const PREFIX = new RegExp(`^(${SEGMENT}/)*(${SEGMENT})?$`);

/**
 * Whether a text can be the key of one of our objects: names in ASCII, small letters, digits, `.`, `_` and `-`, divided by
 * `/`, each beginning with a letter or digit, at most 300 characters and no `..`. One form for what we write and for what
 * we find: a name that a folder or a terminal reads as something else is none.
 */
export function isKey(text: string): boolean {
  return text.length <= LONGEST_KEY && KEY.test(text) && !text.includes("..");
}

/** Whether keys can begin with this text. The empty text begins all. */
export function isPrefix(text: string): boolean {
  return text.length <= LONGEST_KEY && PREFIX.test(text) && !text.includes("..");
}

/** A key of another form comes from a manifest that somebody changed, or from a fault of this program. */
export function assertKey(key: string, tier: Omit<StorePlace, "key">): void {
  if (!isKey(key)) throw refuse("no key of an object", key, tier);
}

export function assertPrefix(prefix: string, tier: Omit<StorePlace, "key">): void {
  if (!isPrefix(prefix)) throw refuse("no beginning of a key", prefix, tier);
}

function refuse(what: string, text: string, tier: Omit<StorePlace, "key">): StoreFault {
  const message = `${JSON.stringify(text.slice(0, 100))} is ${what}: nothing was asked of the store`;
  return new StoreFault("refused", message, { ...tier, key: "" });
}
