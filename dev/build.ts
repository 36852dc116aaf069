import { execFile } from "node:child_process";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build, type Plugin } from "esbuild";
import { COMMANDS } from "../runner/src/contract/commands.ts";

/**
 * Modules that the bundle must not carry: ccxt's signing code of other exchanges (its protobufjs is not even
 * installed), undici (Node's own fetch serves), optional parts of pg. Public market data needs none of them.
 */
const UNUSED =
  /static_dependencies\/(zklink|dydx-v4-client|lighter)|protobuf\/mexc|functions\/starknet\.js|@scure\/starknet|@noble\/curves|^protobufjs|^undici$|^pg-native$|^pg-cloudflare$/;

/**
 * How the image starts Node. Without them V8 keeps garbage for as long as the machine has memory: 320 MB for a job
 * that needs 35 MB of heap.
 */
export const NODE_FLAGS = ["--min-semi-space-size=8", "--max-semi-space-size=8", "--max-old-space-size=64"];

/**
 * Its environment. glibc keeps an arena for each thread, 7 MB of a job that hardly uses them; compiled code beside the
 * bundle saves a tenth of a minute job's processor time.
 */
export function nodeEnvironment(bundle: string) {
  return { MALLOC_ARENA_MAX: "1", NODE_COMPILE_CACHE: join(bundle, "compiled") };
}

/** For a bundle with a part of the runner. */
export const stubUnused: Plugin = {
  name: "stub-unused",
  setup(builder) {
    // commander loads it (12 ms) for subcommands that are programs of their own
    builder.onResolve({ filter: /^node:child_process$/ }, ({ path, importer }) =>
      importer.includes("/commander/") ? { path, namespace: "stub" } : null,
    );
    builder.onResolve({ filter: UNUSED }, ({ path, importer }) =>
      // the client of Kubernetes needs undici's own: Node's fetch takes no certificate authority; age needs the curves
      /\/(@kubernetes|age-encryption|@noble)\//.test(importer) ? null : { path, namespace: "stub" },
    );
    builder.onLoad({ filter: /.*/, namespace: "stub" }, () => ({
      contents: "module.exports = {};",
      loader: "js",
    }));
  },
};

/** What every bundle has. */
export const BUNDLED = {
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  minify: true,
  logLevel: "warning",
} as const;

/** For a bundle with pg, which is CommonJS and requires Node's modules at run time. */
export const REQUIRE = {
  js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
};

/**
 * Bundles the runner into `outdir` (main.js and its chunks) with the probe (alive.js) and the migrations beside it: all
 * that the image needs.
 */
export async function buildRunner(outdir: string): Promise<void> {
  const root = fileURLToPath(new URL("..", import.meta.url));
  await rm(outdir, { recursive: true, force: true });
  await build({
    entryPoints: [`${root}runner/src/main.ts`],
    outdir,
    ...BUNDLED,
    // a command loads its own chunks only: `sync` need not parse the migration tool
    splitting: true,
    legalComments: "none",
    plugins: [stubUnused],
    banner: REQUIRE,
  });
  // by itself: with `splitting` the two would share a chunk, which is one more file for each minute job to read
  await build({ entryPoints: [`${root}runner/src/alive.ts`], outdir, ...BUNDLED });
  await cp(`${root}sql`, `${outdir}/sql`, { recursive: true });
}

/** Fills the cache of compiled code, which serves this very Node version and processor only, and may be read-only. */
export async function compileRunner(bundle: string): Promise<void> {
  const options = { env: { ...process.env, ...nodeEnvironment(bundle) } };
  for (const command of COMMANDS) {
    await promisify(execFile)(
      process.execPath,
      [...NODE_FLAGS, join(bundle, "main.js"), command, "--help"],
      options,
    );
  }
}

async function main(): Promise<number> {
  // loaded here: the build of the image has this file alone
  const [{ Command }, { parseCommandLine }] = await Promise.all([
    import("commander"),
    import("./command-line.ts"),
  ]);
  const program = new Command("npm run build --")
    .description("Bundles the runner into dist/runner, as the image has it.")
    .action(() => {});
  const ended = await parseCommandLine(program, process.argv.slice(2));
  if (ended !== undefined) return ended;
  const outdir = fileURLToPath(new URL("../dist/runner", import.meta.url));
  await buildRunner(outdir);
  await compileRunner(outdir);
  process.stdout.write("built dist/runner: node dist/runner/main.js COMMAND\n");
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main();
