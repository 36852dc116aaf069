import { beforeAll, expect, test } from "vitest";
import { newKey, open, seal } from "../support/backup/object.ts";
import { temporaryFolder } from "../support/folder.ts";

const spool = temporaryFolder();
let key: Awaited<ReturnType<typeof newKey>>;

beforeAll(async () => {
  key = await newKey();
});

// Node's compressor ended the frame of 42,380 bytes in parts of 10,000 twice: an empty frame followed, which no restore takes
test.each([1, 9_999, 10_000, 10_001, 42_380, 81_000, 216_780, 2_227_780])(
  "rows of %i bytes are sealed as one frame, which opens again",
  async (bytes) => {
    const rows = Buffer.from(
      "1\t1m\t2024-01-05 00:00:00+00\t50000.01\t50001\t49999\t50000\n".repeat(bytes / 50 + 1),
    );
    const plain = rows.subarray(0, bytes);
    const sealed = await seal(plain, { spool, recipients: [key.recipient] });
    expect((await open(sealed, key.identity)).equals(plain)).toBe(true);
  },
);
