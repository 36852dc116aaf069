import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const REQUIREMENTS = fileURLToPath(new URL("requirements.txt", import.meta.url));
const CACHE = fileURLToPath(new URL("../../../node_modules/.cache/", import.meta.url));

/** The oldest Python that the pinned packages support. */
const OLDEST = [3, 11] as const;

/** Why the programs of the docs cannot run on this machine; null if they can. */
export function lackOfPython(): string | null {
  try {
    const version = execFileSync("python3", ["--version"], { encoding: "utf8" }).trim();
    const [major = 0, minor = 0] = version.replace("Python ", "").split(".").map(Number);
    const isEnough = major === OLDEST[0] && minor >= OLDEST[1];
    return isEnough ? null : `python3 is ${version}, and the packages need ${OLDEST.join(".")}`;
  } catch {
    return "python3 is not installed";
  }
}

/**
 * A Python with the packages of requirements.txt, made once for each version of that file; returns the path of its
 * python. pip takes the packages from where this machine takes them, and compares each with its hash.
 */
export async function preparePython(): Promise<string> {
  const hash = createHash("sha256")
    .update(await readFile(REQUIREMENTS))
    .digest("hex")
    .slice(0, 12);
  const home = `${CACHE}r3a-python-${hash}`;
  const python = `${home}/bin/python`;
  const isReady = await run(python, ["-c", "import duckdb, pandas, polars, psycopg, sqlalchemy"]).then(
    () => true,
    () => false,
  );
  if (isReady) return python;
  await rm(home, { recursive: true, force: true });
  await run("python3", ["-m", "venv", home]);
  const options = ["--quiet", "--no-input", "--require-hashes", "--only-binary", ":all:", "-r", REQUIREMENTS];
  await run(python, ["-m", "pip", "install", ...options], { maxBuffer: 1e8 });
  return python;
}
