import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openS3Store } from "../../runner/src/store/s3-store.ts";
import { useBackups } from "../support/backup/runs.ts";
import { expectExit } from "../support/candle/series.ts";
import { useQuietServer } from "../support/database/quiet-server.ts";
import { expectResult } from "../support/result-json.ts";
import { findGateway } from "../support/store/gateway.ts";
import { type Deed, type S3Proxy, startS3Proxy } from "../support/store/s3-proxy.ts";
import { KEYS, type S3Server, startS3Server } from "../support/store/s3-server.ts";
import { useWorld } from "../support/world.ts";

const gateway = await findGateway();
const title = `backups into S3 ${"missing" in gateway ? gateway.missing : ""}`;
type Env = Readonly<Record<string, string>>;

describe.skipIf("missing" in gateway)(title, () => {
  const database = useQuietServer();
  const world = useWorld({ symbols: 3 }, database);
  const backups = useBackups(database);
  let server: S3Server;
  let proxy: S3Proxy;
  let bucket = "";
  const since = new Date(Date.now() - 6 * 3_600_000).toISOString();
  const syncing = { SYMBOLS: "BTCUSDT,ETHUSDT", FALLBACK_START: since };

  beforeAll(async () => {
    if ("missing" in gateway) throw new Error(gateway.missing);
    server = await startS3Server(gateway.file);
    proxy = await startS3Proxy(server.url);
    bucket = await server.makeBucket();
    vi.stubEnv("AWS_ACCESS_KEY_ID", KEYS.access);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", KEYS.secret);
    vi.stubEnv("AWS_REGION", "us-east-1");
    vi.stubEnv("AWS_ENDPOINT_URL_S3", server.url);
    expectExit(await world.run("sync 1m", syncing), 0);
  }, 120_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await Promise.all([proxy?.stop(), server?.stop()]);
  });

  const settings = (): Env => ({
    BACKUP_HOT: `file://${backups.folder}/hot`,
    BACKUP_WARM: `s3://${bucket}/r3a`,
    BACKUP_SPOOL: `${backups.folder}/spool`,
    BACKUP_RECIPIENTS: backups.recipient,
    BACKUP_S3_PATH_STYLE: "true",
    AWS_ACCESS_KEY_ID: KEYS.access,
    AWS_SECRET_ACCESS_KEY: KEYS.secret,
    AWS_REGION: "us-east-1",
    AWS_ENDPOINT_URL_S3: proxy.url,
  });
  const backUp = async (args: string, exit: number, more: Env = {}) => {
    const ended = await world.run(`backup --json${args}`, { ...settings(), ...more });
    expectExit(ended, exit);
    expect(ended.stdout + ended.stderr).not.toContain(KEYS.secret);
    return ended;
  };
  const warm = () =>
    openS3Store({
      ...{ tier: "warm", bucket, prefix: "r3a", isPathStyle: true, storageClass: null },
      report: () => {},
    });

  /** Does the work while syncs store candles one after the other. */
  async function whileSyncing(work: () => Promise<void>): Promise<void> {
    let isOver = false;
    const syncs = (async () => {
      while (!isOver) expectExit(await world.run("sync 1m", syncing), 0);
    })();
    await work().finally(() => {
      isOver = true;
    });
    await syncs;
  }

  /** Both tiers give back what is stored, nothing of it is in doubt, and each text lies there once. */
  async function expectAll(): Promise<void> {
    expect(expectResult(await backUp("", 0))).toMatchObject({ found: 0, open: 0 });
    for (const store of [backups.hot, warm()]) {
      expect(await backups.restored(store)).toEqual(await backups.stored());
      const texts: string[] = [];
      for await (const { key } of store.list("objects/", new AbortController().signal))
        texts.push(key.slice(11, 75));
      expect(new Set(texts).size).toBe(texts.length);
    }
  }

  const turns: readonly Deed[] = [
    { status: 500, code: "InternalError" },
    { status: 503, code: "SlowDown" },
    "pass",
  ];
  test("a store that is at fault by turns gets the whole backup, and one that refuses does not stop the other tier", async () => {
    await whileSyncing(async () => {
      const puts = (deeds: readonly Deed[]) =>
        proxy.set((method, count) => (method === "PUT" ? (deeds[count % deeds.length] ?? "pass") : "pass"));
      for (const deeds of [turns, ["cut", "pass"], ["lose-answer", "pass"]] as const) {
        puts(deeds);
        expect(expectResult(await backUp("", 0))).toMatchObject({
          tiers: [{ fault: null }, { fault: null }],
        });
      }
      proxy.set(() => "pass");
      const refuse = async (words: RegExp, more: Env) => {
        const result = expectResult(await backUp(" --delta", 1, more));
        expect(result).toMatchObject({ tiers: [{ fault: null }, { fault: expect.stringMatching(words) }] });
      };
      await refuse(/the credentials are not accepted/, { AWS_SECRET_ACCESS_KEY: "another-secret" });
      await refuse(/the bucket does not exist/, { BACKUP_WARM: "s3://nowhere-to-be-found/r3a" });
      proxy.set(() => ({ status: 403, code: "RequestTimeTooSkewed" }));
      await refuse(/clock and the store's differ/, {});
      expect((await backUp(" --delta", 75, { BACKUP_HOT: "" })).stderr).toContain("no tier took the backup");
      proxy.set(() => "pass");
      await backUp(" --delta", 78, { BACKUP_HOT: "", BACKUP_WARM: "s3://nowhere-to-be-found/r3a" });
    });
    await expectAll();
  }, 300_000);

  test("a daily run, a delta and another daily run at once", async () => {
    proxy.set(() => "pass");
    await whileSyncing(async () => {
      for (let round = 0; round < 3; round += 1) {
        const runs = await Promise.all(["", " --delta", ""].map((args) => backUp(args, 0)));
        const whole = runs.map(expectResult).filter((result) => !("skipped" in result));
        expect(whole.length).toBeGreaterThanOrEqual(2);
        for (const result of whole)
          expect(result).toMatchObject({ open: 0, tiers: [{ fault: null }, { fault: null }] });
      }
    });
    await expectAll();
  }, 300_000);
});
