import { execFile } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import * as fs from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { PASSWORD_FILE, type Place, runTool } from "./place.ts";

const exec = promisify(execFile);

/** initdb under a temporary name: a data folder either holds the password file and is whole, or is no data. */
export async function initialise(
  place: Place,
  { fsync = true, checksums = true }: { readonly fsync?: boolean; readonly checksums?: boolean },
  log: (line: string) => void,
): Promise<void> {
  const { home, dataDir, account } = place;
  for (const name of await fs.readdir(home)) {
    if (name.startsWith("pgdata.new-")) await fs.rm(join(home, name), { recursive: true, maxRetries: 5 });
  }
  if (existsSync(dataDir)) {
    const aside = `${dataDir}.incomplete-${Date.now()}`;
    log(`${dataDir} is no complete database: moved to ${aside}`);
    await fs.rename(dataDir, aside);
  }
  log(`creating a PostgreSQL database in ${dataDir}`);
  const fresh = join(home, `pgdata.new-${randomUUID()}`);
  const password = `${fresh}.password`;
  await fs.mkdir(fresh, { mode: 0o700 });
  await fs.writeFile(password, randomBytes(24).toString("hex"), { mode: 0o600 });
  if (account) for (const path of [fresh, password]) await fs.chown(path, account.uid, account.gid);
  const args = ["-D", fresh, "-U", "postgres", "-A", "scram-sha-256", `--pwfile=${password}`];
  args.push("--encoding=UTF8", ...(fsync ? [] : ["--no-sync"]));
  args.push(...(checksums ? ["--data-checksums"] : await withoutChecksums(place)));
  await runTool(place, "initdb", [...args, "--locale=C.UTF-8"]).catch(async (error) => {
    if (!String(error).includes("invalid locale")) throw error;
    await runTool(place, "initdb", [...args, "--locale=C"]);
  });
  // listen_addresses decides who can reach the server at all
  await fs.appendFile(join(fresh, "pg_hba.conf"), "host all all all scram-sha-256\n");
  await fs.rename(password, join(fresh, PASSWORD_FILE));
  await fs.rename(fresh, dataDir);
}

/** From PostgreSQL 18 on initdb switches them on by itself, and only from then on has it the word to leave them out. */
async function withoutChecksums({ binDir }: Place): Promise<readonly string[]> {
  const { stdout } = await exec(join(binDir, "initdb"), ["--help"]);
  return stdout.includes("--no-data-checksums") ? ["--no-data-checksums"] : [];
}
