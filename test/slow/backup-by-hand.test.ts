import { execFile, spawnSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { openObject } from "../../runner/src/archive/object/open.ts";
import { sealObject } from "../../runner/src/backup/seal.ts";
import { parseSettings } from "../../runner/src/settings/parse.ts";
import { factsOf, inParts, NEVER, sha256 } from "../support/backup/object.ts";
import { temporaryFolder } from "../support/folder.ts";

const folder = temporaryFolder();
const missing = ["age", "age-keygen", "zstd"].filter(
  (program) => spawnSync(program, ["--version"]).error !== undefined,
);
const why =
  missing.length === 0 ? "" : ` (skipped: ${missing.join(", ")} not installed, apt-get install age zstd)`;
const shell = (line: string) =>
  promisify(execFile)("bash", ["-c", `set -euo pipefail; ${line}`], { cwd: folder });
const rows = Buffer.from(
  Array.from({ length: 30_000 }, (_, row) => `${row % 60}\t1m\t${1.7e9 + 60 * row}\t${row}.5\t\\N\n`).join(
    "",
  ),
);

test.skipIf(missing.length > 0)(
  `the programs of Debian open what we seal, and we what they seal${why}`,
  async () => {
    for (const name of ["online", "offline"]) await shell(`age-keygen -o ${name}.txt 2>/dev/null`);
    const { stdout } = await shell("for key in online offline; do age-keygen -y $key.txt; done");
    const { backupRecipients: recipients } = parseSettings(
      { BACKUP_RECIPIENTS: stdout.trim().split("\n").join(",") },
      ["backupRecipients"],
    );
    expect(recipients).toHaveLength(2);

    for (const plain of [rows, rows.subarray(0, 1), rows.subarray(0, 0)]) {
      const { path } = await sealObject(inParts(plain, 9_999), { spool: folder, recipients, signal: NEVER });
      for (const name of ["online", "offline"]) {
        await shell(`age -d -i ${name}.txt ${path} | zstd -d > ${name}.rows`);
        expect((await readFile(join(folder, `${name}.rows`))).equals(plain)).toBe(true);
      }
    }

    await writeFile(join(folder, "rows"), rows);
    const { backupIdentity: identity } = parseSettings(
      { BACKUP_IDENTITY_FILE: join(folder, "offline.txt") },
      ["backupIdentity"],
    );
    for (const compress of [
      "zstd -3 -c rows",
      "cat rows | zstd -19 -c",
      "cat rows | zstd -c",
      "zstd --no-check -c rows",
    ]) {
      await shell(
        `${compress} | age -R <(age-keygen -y online.txt) -R <(age-keygen -y offline.txt) > object`,
      );
      const path = join(folder, "object");
      const expected = {
        ...factsOf(await readFile(path)),
        plainBytes: rows.length,
        plainSha256: sha256(rows),
      };
      const plain = await buffer(openObject(createReadStream(path), { identity, expected, signal: NEVER }));
      expect(plain.equals(rows)).toBe(true);
    }
  },
  240_000,
);
