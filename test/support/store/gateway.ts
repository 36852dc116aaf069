import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { withLock } from "../../../dev/install/file-lock.js";

const VERSION = "v1.8.0";
const MODULE = `github.com/versity/versitygw/cmd/versitygw@${VERSION}`;
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "r3a-store");
/** Go's own package installs it where no PATH leads. */
const GO_FOLDERS = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/go/bin"];
/** All of it from nothing took 5 minutes while other tests kept two cores busy. */
const BUILD_MS = 900_000;

/** A real S3 server, or why there is none. */
export type Gateway = { readonly file: string } | { readonly missing: string };

/** versitygw, built once from its Go module into a cache folder; test files that run at once wait for one build. */
export async function findGateway(): Promise<Gateway> {
  const file = join(CACHE, VERSION, "versitygw");
  if (existsSync(file)) return { file };
  const go = GO_FOLDERS.map((folder) => join(folder, "go")).find((path) => existsSync(path));
  if (go === undefined) return { missing: "NOT RUN: there is no Go to build the S3 server with" };
  await mkdir(join(CACHE, VERSION), { recursive: true });
  try {
    await withLock(join(CACHE, "building"), () => build(go, file), { waitMs: BUILD_MS });
    return { file };
  } catch (error) {
    const words = String(error).trim().split("\n").slice(-3).join(" ");
    return { missing: `NOT RUN: the S3 server could not be built from ${MODULE}: ${words}` };
  }
}

async function build(go: string, file: string): Promise<void> {
  if (existsSync(file)) return; // by who held the lock
  const fresh = join(CACHE, "fresh");
  const env = { ...process.env, GOBIN: fresh, CGO_ENABLED: "0", GOFLAGS: "-ldflags=-s" };
  await promisify(execFile)(go, ["install", MODULE], { env, timeout: BUILD_MS });
  await rename(join(fresh, "versitygw"), file);
}
