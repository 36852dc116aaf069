// Plain JavaScript, like dev/ensure-installed.js: the first file of a process cannot come from the compile cache, and the
// type stripper for this file would take 28 ms of 257 (measured).
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * `npm run synth` and, by cdk8s.yaml, `npx cdk8s synth`: the objects of each environment as dist/<stack>/r3a.yaml.
 * Reads no secret and no network, and writes the same bytes each time.
 */

const root = fileURLToPath(new URL("../..", import.meta.url));
// before anything else is loaded: without the cache a quarter of the time goes into compiling unchanged files
enableCompileCache(join(root, "node_modules/.cache/r3a"));
const { synthStacks } = await import("./synth-stacks.ts");
const outdir = process.env.CDK8S_OUTDIR ?? join(root, "dist");
process.exitCode = synthStacks(root, outdir, process.argv.slice(2));
