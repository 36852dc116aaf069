// Plain JavaScript, as dev/ensure-installed.js: the first file of a process cannot come from the compile cache, and to
// load the type stripper for this one takes 28 ms of 257 (measured).
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * `npm run synth` and, by cdk8s.yaml, `npx cdk8s synth`: the objects of each environment as dist/<stack>/r3a.yaml.
 * Reads no secret and no network, and writes the same bytes each time.
 */

const root = fileURLToPath(new URL("../..", import.meta.url));
// before anything else is loaded: a quarter of the time is the compilation of what did not change
enableCompileCache(join(root, "node_modules/.cache/r3a"));
const { synthStacks } = await import("./synth-stacks.ts");
const outdir = process.env.CDK8S_OUTDIR ?? join(root, "dist");
process.exitCode = synthStacks(root, outdir, process.argv.slice(2));
