import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { beforeAll, expect, test } from "vitest";
import { BUNDLED, NODE_FLAGS, nodeEnvironment, stubUnused } from "../../dev/build.ts";
import { newKey } from "../support/backup/object.ts";
import { temporaryFolder } from "../support/folder.ts";
import { ROOT } from "../support/program.ts";

const run = promisify(execFile);
const folder = temporaryFolder();
/** Of the 256 MiB of their pods, for what the commands do beside. */
const MOST_KB = 160 * 1024;

beforeAll(() =>
  // as the image has it: also that the bundle has all that age needs is seen here
  build({
    entryPoints: [join(ROOT, "test/support/backup/stream-objects.ts")],
    outdir: folder,
    ...BUNDLED,
    splitting: true,
    outExtension: { ".js": ".mjs" },
    plugins: [stubUnused],
  }),
);

test.skipIf(process.platform !== "linux")(
  "an object of 1 GB is sealed and opened in the memory that one of 50 MB takes, and in 160 MiB",
  async () => {
    const { identity, recipient } = await newKey();
    const peakOf = async (kind: "rows" | "random", bytes: number) => {
      const args = [join(folder, "stream-objects.mjs"), kind, `${bytes}`, folder, recipient, identity];
      const env = { PATH: process.env.PATH, ...nodeEnvironment(folder) };
      const { stdout } = await run(process.execPath, [...NODE_FLAGS, ...args], { env });
      const { plainBytes, ...found } = JSON.parse(stdout);
      process.stderr.write(`${kind}, ${bytes} bytes: ${stdout}`);
      expect(plainBytes).toBe(bytes);
      expect(found.sealedKb).toBeGreaterThan(20_000);
      return found.openedKb as number;
    };
    const small = await peakOf("rows", 50_000_000);
    for (const [kind, bytes] of [
      ["rows", 1_000_000_000],
      ["random", 300_000_000],
    ] as const) {
      const large = await peakOf(kind, bytes);
      expect(large).toBeLessThan(MOST_KB);
      expect(large).toBeLessThan(small + 40 * 1024);
    }
  },
  600_000,
);
