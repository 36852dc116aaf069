import { readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, vi } from "vitest";
import { parseObjectKey } from "../../../runner/src/archive/object/key.ts";
import { openS3Store } from "../../../runner/src/store/s3-store.ts";
import type { Store } from "../../../runner/src/store/store.ts";
import type { UsedDatabase } from "../database/database.ts";
import type { OwnServer } from "../database/own-server.ts";
import { type KillPoint, type KillWire, startKillWire } from "../kill-wire.ts";
import { startRunner } from "../runner.ts";
import type { Gateway } from "../store/gateway.ts";
import { KEYS, type S3Server, startS3Server } from "../store/s3-server.ts";
import { readManifests } from "./restored.ts";
import { type Backups, useBackups } from "./runs.ts";

export type Kills = {
  readonly backups: Backups;
  /** Hot, a folder, and warm, in S3, without a wire before it. */
  tiers(): readonly Store[];
  /** The wire before a database of the server. */
  urlOf(name: string): string;
  /** Settings of a run that has a wire before its database and its store. */
  env(): Readonly<Record<string, string>>;
  /**
   * Runs until the point is reached, where `act` kills the process (or what the run works with), and waits until no session
   * of the run is left. Fails where the run never came to the point. `codes`: how a run may end whose server ended, 75 where
   * nothing else is said.
   */
  killAt(point: KillPoint, args: string, act?: () => Promise<void>, codes?: readonly number[]): Promise<void>;
  /** No tier has an older manifest than before, and each one that has any gives back every row of `truth`. */
  expectKept(truth: readonly string[]): Promise<void>;
  /** Nothing of a killed run is left but what the ledger knows; for after a run that was complete. */
  expectNothingLeft(): Promise<void>;
};

const forever = new AbortController().signal;
/** Those of a killed run; the server frees their locks when it ends them. */
const SESSIONS = `select application_name from pg_stat_activity where application_name ~ '^r3a (backup|restore|seal)'`;
const LOCKS = `select * from pg_locks where locktype = 'advisory'`;
/** Longer than any put lasts, so that a temporary file counts as left. */
const LONG_MS = 2 * 3_600_000;

/**
 * Registers hooks; the server is the test file's own. For each test new tiers, with a wire before the database and before the
 * store. `more`: further settings of the runs.
 */
export function useKills(
  database: OwnServer,
  gateway: Gateway,
  more: () => Readonly<Record<string, string>> = () => ({}),
): Kills {
  const backups = useBackups(database);
  let server: S3Server;
  let [ofDatabase, ofStore]: (KillWire | undefined)[] = [];
  let bucket = "";
  let newest: Record<string, number> = {};
  const wires = () => {
    if (ofDatabase === undefined || ofStore === undefined) throw new Error("the wires are not there yet");
    return { database: ofDatabase, store: ofStore };
  };
  beforeAll(async () => {
    if ("missing" in gateway) throw new Error(gateway.missing);
    server = await startS3Server(gateway.file);
    [ofDatabase, ofStore] = [await startKillWire(database.url), await startKillWire(server.url)];
    vi.stubEnv("AWS_ACCESS_KEY_ID", KEYS.access);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", KEYS.secret);
    vi.stubEnv("AWS_REGION", "us-east-1");
    vi.stubEnv("AWS_ENDPOINT_URL_S3", server.url);
  });
  beforeEach(async () => {
    bucket = await server.makeBucket();
    newest = {};
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await Promise.all([ofDatabase?.stop(), ofStore?.stop(), server?.stop()]);
  });

  const warm = () =>
    openS3Store({
      ...{ tier: "warm", bucket, prefix: "r3a", isPathStyle: true, storageClass: null },
      report: () => {},
    });
  const tiers = () => [backups.hot, warm()];
  const env = () => ({
    DB_URL: wires().database.url,
    BACKUP_HOT: `file://${backups.folder}/hot`,
    BACKUP_WARM: `s3://${bucket}/r3a`,
    BACKUP_SPOOL: join(backups.folder, "spool"),
    BACKUP_RECIPIENTS: backups.recipient,
    BACKUP_IDENTITY: backups.identity,
    BACKUP_S3_PATH_STYLE: "true",
    AWS_ACCESS_KEY_ID: KEYS.access,
    AWS_SECRET_ACCESS_KEY: KEYS.secret,
    AWS_REGION: "us-east-1",
    AWS_ENDPOINT_URL_S3: wires().store.url,
    ...more(),
  });
  const waitForSessions = async () => {
    for (let tries = 0; ; tries += 1) {
      const left = await database.query(SESSIONS);
      if (left.length === 0) return;
      if (tries === 600) throw new Error(`sessions of a killed run are left: ${JSON.stringify(left)}`);
      await sleep(50);
    }
  };
  const urlOf = (name: string) => {
    const url = new URL(wires().database.url);
    url.pathname = `/${name}`;
    return url.href;
  };
  return {
    ...{ backups, tiers, env, urlOf },
    async killAt(point, args, act, codes = [75]) {
      const wire = wires()[point.wire];
      let acted: Promise<void> | undefined;
      const runner = startRunner(args.split(" "), env());
      wire.arm(point, () => {
        if (act === undefined) runner.child.kill("SIGKILL");
        else wire.disarm();
        acted = act?.() ?? Promise.resolve();
      });
      const { code, signal, stdout, stderr } = await runner.ended;
      wire.disarm();
      if (acted === undefined) throw new Error(`${args} did not come to ${point.name}: ${stdout}${stderr}`);
      await acted;
      // a run that lost its server may be tried again
      if (act === undefined) expect(signal).toBe("SIGKILL");
      else expect(codes, `${point.name}: ${code}\n${stderr}`).toContain(code);
      await waitForSessions();
    },
    async expectKept(truth) {
      for (const store of tiers()) {
        const [first] = await readManifests(store);
        if (first === undefined && newest[store.tier] === undefined) continue;
        expect(first?.backup).toBeGreaterThanOrEqual(newest[store.tier] ?? 0);
        newest[store.tier] = first?.backup ?? 0;
        const lines = new Set(await backups.restored(store));
        expect(truth.filter((line) => !lines.has(line))).toEqual([]);
      }
    },
    async expectNothingLeft() {
      await expectKnown(database, tiers());
      expect(await readdir(join(backups.folder, "spool"))).toEqual([]);
      expect(await listTemporary(join(backups.folder, "hot"))).toEqual([]);
      expect(await database.query("select from r3a.backup where finished_at is null")).toEqual([]);
      await waitForSessions();
      expect(await database.query(LOCKS)).toEqual([]);
    },
  };
}

/** Every object of a tier is in the ledger, and each text is there once. */
async function expectKnown(database: UsedDatabase, tiers: readonly Store[]): Promise<void> {
  const rows = await database.query<{ key: string }>("select key from r3a.backup_object");
  const known = new Set(rows.map(({ key }) => key));
  for (const store of tiers) {
    const keys: string[] = [];
    for await (const { key } of store.list("objects/", forever)) keys.push(key);
    expect(keys.filter((key) => !known.has(key))).toEqual([]);
    const texts = keys.map((key) => parseObjectKey(key)?.plainSha256);
    expect(texts.filter((text, index) => texts.indexOf(text) !== index)).toEqual([]);
  }
}

async function listTemporary(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith(".tmp"));
}

/** Lets the temporary files of killed runs in a folder look old. */
export async function ageTemporary(folder: string): Promise<number> {
  const names = await listTemporary(folder);
  const then = new Date(Date.now() - LONG_MS);
  for (const name of names) await utimes(join(folder, name), then, then);
  return names.length;
}
