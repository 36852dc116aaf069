import { messageOf } from "../../errors.ts";
import { ENCRYPTED_TO_OTHERS, ObjectFault } from "./fault.ts";
import { listKeys } from "./identity.ts";

/** 16 recipients take 2.4 kB. Without a bound, a header that does not end is read into memory to the end of the object. */
const LARGEST_HEADER = 8 * 1024;
const FIRST_LINE = "age-encryption.org/v1\n";
const LAST_LINE = /\n--- [^\n]*\n/;

// age is loaded where it is used: it costs each of the other commands' starts nothing

export async function* encrypt(
  source: AsyncIterable<Uint8Array>,
  recipients: readonly string[],
): AsyncGenerator<Uint8Array> {
  const { Encrypter } = await import("age-encryption");
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  yield* await encrypter.encrypt(ReadableStream.from(source));
}

/** The public key of each secret key of an identity. */
export async function publicKeysOf(identity: string): Promise<readonly string[]> {
  const { identityToRecipient } = await import("age-encryption");
  return Promise.all(listKeys(identity).map(identityToRecipient));
}

/** The content of an age file that one of the keys of `identity` opens, each part authenticated before it passes. */
export async function* decrypt(
  source: AsyncIterable<Uint8Array>,
  identity: string,
): AsyncGenerator<Uint8Array> {
  const { Decrypter } = await import("age-encryption");
  const keys = listKeys(identity);
  const decrypter = new Decrypter();
  for (const key of keys) decrypter.addIdentity(key);
  const feed = { error: undefined as unknown, isEnded: false };
  try {
    yield* await decrypter.decrypt(ReadableStream.from(noteEnd(boundHeader(source), feed)));
  } catch (error) {
    if (error === feed.error) throw error;
    const said = messageOf(error);
    if (said.startsWith("no identity matched")) {
      const own = await publicKeysOf(identity);
      throw new ObjectFault(`${ENCRYPTED_TO_OTHERS} (${own.join(", ")})`);
    }
    const place = feed.isEnded ? "its last part is damaged, or what followed it is cut off" : "it is damaged";
    throw new ObjectFault(`age cannot open the object, ${place}: ${said}`, { cause: error });
  }
}

/** An error of the source must not count as one of age. */
async function* noteEnd(source: AsyncIterable<Uint8Array>, feed: { error: unknown; isEnded: boolean }) {
  try {
    yield* source;
    feed.isEnded = true;
  } catch (error) {
    feed.error = error;
    throw error;
  }
}

async function* boundHeader(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const chunk of source) {
    if (head === null) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const text = head.toString("latin1", 0, LARGEST_HEADER);
    if (!FIRST_LINE.startsWith(text.slice(0, FIRST_LINE.length)))
      throw new ObjectFault("the object is no age file");
    if (LAST_LINE.test(text)) {
      yield head;
      head = null;
    } else if (head.length >= LARGEST_HEADER)
      throw new ObjectFault(`the age header of the object does not end within ${LARGEST_HEADER} bytes`);
  }
  if (head !== null) throw new ObjectFault("the object ends within its age header");
}
