import { randomBytes } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { checkObject } from "../../runner/src/archive/object/check.ts";
import { openObject } from "../../runner/src/archive/object/open.ts";
import { sealObject } from "../../runner/src/backup/seal.ts";
import { factsOf, inParts, NEVER, newKey, open, seal, sha256 } from "../support/backup/object.ts";
import { temporaryFolder } from "../support/folder.ts";

const spool = temporaryFolder();
const [online, offline, stranger] = await Promise.all([newKey(), newKey(), newKey()]);
const recipients = [online.recipient, offline.recipient];
const rows = Buffer.from(
  Array.from({ length: 9_000 }, (_, row) => `1\t1m\t${1.7e9 + 60 * row}\t${row}.5\n`).join(""),
);

describe("an object", () => {
  test("is opened by either identity, and its facts are those of its bytes", async () => {
    const sealed = await seal(rows, { spool, recipients });
    expect(sealed.facts).toEqual({
      ...factsOf(sealed.cipher),
      plainBytes: rows.length,
      plainSha256: sha256(rows),
    });
    expect(sealed.cipher.includes("\t1m\t1700")).toBe(false);
    for (const { identity } of [online, offline])
      expect((await open(sealed, identity)).equals(rows)).toBe(true);
    // a key that replaced another one stands beside it in the file
    expect((await open(sealed, `${stranger.identity}\n${offline.identity}`)).equals(rows)).toBe(true);
    await expect(checkObject(inParts(sealed.cipher, 777), sealed.facts)).resolves.toBeUndefined();
  });

  test("is a file of its owner alone while and after it is sealed", async () => {
    const folder = temporaryFolder();
    const { path } = await sealObject(inParts(rows, 10_000), { spool: folder, recipients, signal: NEVER });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(path.startsWith(`${folder}/`)).toBe(true);
  });

  test("is another one at each sealing, with the same plain hash", async () => {
    const [first, second] = [
      await seal(rows, { spool, recipients }),
      await seal(rows, { spool, recipients }),
    ];
    expect(first.facts.sha256).not.toBe(second.facts.sha256);
    expect(first.facts.plainSha256).toBe(second.facts.plainSha256);
  });
});

describe("sealing that does not end well leaves no file and throws", () => {
  async function failing(plain: AsyncIterable<Buffer>, signal = NEVER) {
    const folder = temporaryFolder();
    const error: unknown = await sealObject(plain, { spool: folder, recipients, signal }).catch(
      (thrown: unknown) => thrown,
    );
    expect(await readdir(folder)).toEqual([]);
    return error;
  }

  test("the error of the stream", async () => {
    const lost = new Error("the session is gone");
    const cut = async function* () {
      yield randomBytes(500_000);
      throw lost;
    };
    expect(await failing(cut())).toBe(lost);
    expect(await failing(Readable.from(cut()))).toBe(lost);
  });

  test("the reason of the signal, also where the stream has stopped coming", async () => {
    const silent = async function* () {
      yield randomBytes(500_000);
      await new Promise(() => {});
    };
    for (const plain of [silent(), Readable.from(silent())]) {
      const stop = new AbortController();
      const ended = failing(plain, stop.signal);
      await sleep(200);
      const reason = new Error("stopped by SIGTERM");
      stop.abort(reason);
      expect(await ended).toBe(reason);
    }
  }, 10_000);

  test("the reason of a signal that was aborted before", async () => {
    const reason = new Error("stopped before");
    expect(await failing(Readable.from([rows]), AbortSignal.abort(reason))).toBe(reason);
  });

  test("a recipient that age does not take, or none", async () => {
    const folder = temporaryFolder();
    for (const wrong of [[], ["age1wrong"]])
      await expect(
        sealObject(inParts(rows, 10_000), { spool: folder, recipients: wrong, signal: NEVER }),
      ).rejects.toThrow();
    expect(await readdir(folder)).toEqual([]);
  });
});

const big = await seal(randomBytes(3_000_000), { spool, recipients });

describe("an opened object", () => {
  test("passes on the error of the store and the reason of the signal, and lets the source go", async () => {
    const lost = new Error("the store closed the connection");
    const cut = Readable.from(
      (async function* () {
        yield big.cipher.subarray(0, 1_000_000);
        throw lost;
      })(),
    );
    const opening = { identity: online.identity, expected: big.facts };
    expect(await buffer(openObject(cut, { ...opening, signal: NEVER })).catch((error) => error)).toBe(lost);

    const stop = new AbortController();
    const silent = Readable.from(
      (async function* () {
        yield big.cipher.subarray(0, 1_000_000);
        await new Promise(() => {});
      })(),
    );
    const reading = buffer(openObject(silent, { ...opening, signal: stop.signal })).catch((error) => error);
    await sleep(200);
    const reason = new Error("stopped by SIGTERM");
    stop.abort(reason);
    expect(await reading).toBe(reason);
    expect(silent.destroyed).toBe(true);
  }, 10_000);

  test("lets the source go where its reader leaves", async () => {
    const source = inParts(big.cipher, 1_000);
    for await (const _ of openObject(source, {
      identity: online.identity,
      expected: big.facts,
      signal: NEVER,
    }))
      break;
    await expect.poll(() => source.destroyed).toBe(true);
  });
});
