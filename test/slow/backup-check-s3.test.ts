import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  CreateBucketCommand,
  ListObjectsV2Command,
  PutObjectLockConfigurationCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openS3Store } from "../../runner/src/store/s3-store.ts";
import { temporaryFolder } from "../support/folder.ts";
import { expectResult } from "../support/result-json.ts";
import { runRunner } from "../support/runner.ts";
import { findGateway } from "../support/store/gateway.ts";
import { type S3Proxy, startS3Proxy } from "../support/store/s3-proxy.ts";
import { KEYS, type S3Server, startS3Server } from "../support/store/s3-server.ts";
import { faultOf, going } from "../support/store/store-cases.ts";

type Step = { readonly name: string; readonly status: string; readonly output: string };
type Tier = { readonly tier: string; readonly status: string; readonly steps: readonly Step[] };

const gateway = await findGateway();
const AWS = {
  AWS_ACCESS_KEY_ID: KEYS.access,
  AWS_SECRET_ACCESS_KEY: KEYS.secret,
  AWS_REGION: "us-east-1",
} as const;

describe.skipIf("missing" in gateway)(
  `backup check on S3 ${"missing" in gateway ? gateway.missing : ""}`,
  () => {
    let server: S3Server;
    let proxy: S3Proxy;
    beforeAll(async () => {
      if ("missing" in gateway) throw new Error(gateway.missing);
      server = await startS3Server(gateway.file);
      proxy = await startS3Proxy(server.url);
    });
    afterAll(async () => {
      await proxy?.stop();
      await server?.stop();
    });

    const envOf = (bucket: string) => ({
      ...AWS,
      AWS_ENDPOINT_URL_S3: proxy.url,
      BACKUP_S3_PATH_STYLE: "true",
      BACKUP_COLD: `s3://${bucket}/r3a`,
    });

    /** Its objects can be deleted by nobody for a day. */
    async function makeLockedBucket(name: string): Promise<string> {
      const Bucket = `${name}-${process.pid}`;
      await server.client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
      const Rule = { DefaultRetention: { Mode: "COMPLIANCE", Days: 1 } } as const;
      const ObjectLockConfiguration = { ObjectLockEnabled: "Enabled", Rule } as const;
      await server.client.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
      return Bucket;
    }

    async function check(
      bucket: string,
      {
        exit = 0,
        env = {},
      }: { readonly exit?: number; readonly env?: Readonly<Record<string, string>> } = {},
    ): Promise<Tier> {
      const ended = await runRunner(["backup", "check", "--json"], { ...envOf(bucket), ...env });
      expect(ended.code, ended.stderr + ended.stdout).toBe(exit);
      expect(ended.stdout + ended.stderr).not.toContain(KEYS.secret);
      const { tiers } = expectResult(ended) as unknown as { readonly tiers: readonly Tier[] };
      const [tier] = tiers;
      if (tier === undefined) throw new Error("a tier was checked");
      return tier;
    }
    const statusOf = ({ steps }: Tier) => Object.fromEntries(steps.map(({ name, status }) => [name, status]));
    const GOOD = { list: "pass", write: "pass", read: "pass", overwrite: "pass", clock: "pass" };
    const list = async (Bucket: string) =>
      (await server.client.send(new ListObjectsV2Command({ Bucket }))).Contents ?? [];

    test("a key that may delete is warned of, and nothing stays", async () => {
      proxy.set(() => "pass");
      const bucket = await server.makeBucket();
      const tier = await check(bucket);
      expect(statusOf(tier)).toEqual({ ...GOOD, delete: "warn" });
      expect(await list(bucket)).toEqual([]);
    });

    test("a bucket that locks its objects refuses the delete, which is what one wants", async () => {
      proxy.set(() => "pass");
      const Bucket = await makeLockedBucket("locked");
      const tier = await check(Bucket);
      expect(statusOf(tier)).toEqual({ ...GOOD, delete: "pass" });
      expect(tier.steps.find(({ name }) => name === "delete")?.output).toMatch(
        /^deletes are refused; probes\//,
      );
      expect(await list(Bucket)).toHaveLength(1);
    });

    test("a store that takes a second write of the same object fails", async () => {
      // as a server that does not know If-None-Match: it answers 200, and has another text then
      const bucket = await server.makeBucket();
      proxy.set((method, count) => (method === "PUT" && count === 2 ? "html" : "pass"));
      const tier = await check(bucket, { exit: 1 });
      expect(statusOf(tier)).toMatchObject({ ...GOOD, overwrite: "fail", delete: "warn" });
      expect(tier.steps.find(({ name }) => name === "overwrite")?.output).toContain("keeps If-None-Match: *");
    });

    test("wrong keys are 78, no bucket too", async () => {
      proxy.set(() => "pass");
      const bucket = await server.makeBucket();
      const wrong = await check(bucket, { exit: 78, env: { AWS_SECRET_ACCESS_KEY: "canary-wrong" } });
      expect(wrong.steps[0]).toMatchObject({
        name: "list",
        status: "fail",
        output: expect.stringContaining("credentials are not accepted"),
      });
      const none = await check("no-such-bucket", { exit: 78 });
      expect(none.steps[0]?.output).toContain("the bucket does not exist");
    });

    test("a key that may not write is 78", async () => {
      const bucket = await server.makeBucket();
      proxy.set((method) => (method === "PUT" ? { status: 403, code: "AccessDenied" } : "pass"));
      const tier = await check(bucket, { exit: 78 });
      expect(statusOf(tier)).toEqual({ list: "pass", write: "fail", clock: "pass" });
    });

    test("an object that is locked is as taken as any other, if it is put once more", async () => {
      proxy.set(() => "pass");
      const Bucket = await makeLockedBucket("again");
      for (const [name, value] of Object.entries(AWS)) vi.stubEnv(name, value);
      vi.stubEnv("AWS_ENDPOINT_URL_S3", proxy.url);
      const place = { bucket: Bucket, prefix: "r3a", isPathStyle: true, storageClass: null } as const;
      const store = openS3Store({ ...place, tier: "cold", report: () => {} });
      await store.putText("leaves/a.json", "the same", going);
      expect(await faultOf(store.putText("leaves/a.json", "the same", going))).toMatchObject({
        kind: "exists",
      });
      expect(await faultOf(store.putText("leaves/a.json", "another", going))).toMatchObject({
        kind: "denied",
      });
      await store.close();
      vi.unstubAllEnvs();
    });

    test("a clock that differs is named, by the check and by doctor, which says whether the tier can be listed", async () => {
      proxy.set(() => "pass");
      const bucket = await server.makeBucket();
      const look = async (env: Readonly<Record<string, string>> = {}) => {
        const args = ["doctor", "--only", "stores", "--json"];
        return JSON.parse((await runRunner(args, { ...envOf(bucket), ...env })).stdout).checks[0];
      };
      expect(await look()).toMatchObject({
        status: "pass",
        output: `cold (s3://${bucket}/r3a) can be listed and has no backup yet`,
      });
      expect(await look({ AWS_SECRET_ACCESS_KEY: "canary-wrong" })).toMatchObject({
        status: "fail",
        output: expect.stringContaining("the credentials are not accepted"),
      });
      proxy.shiftClock(150_000);
      try {
        const behind = expect.stringMatching(/this machine's clock is 2(\.\d)? min behind the store's/);
        expect((await check(bucket)).steps.at(-1)).toMatchObject({
          name: "clock",
          status: "warn",
          output: behind,
        });
        expect(await look()).toMatchObject({ status: "warn", output: behind });
      } finally {
        proxy.shiftClock(0);
      }
    });

    test("two tiers are at two providers, each with the key, region and endpoint of its profile", async () => {
      if ("missing" in gateway) throw new Error(gateway.missing);
      const other = await startS3Server(gateway.file);
      try {
        proxy.set(() => "pass");
        const [warm, cold] = [await server.makeBucket(), await other.makeBucket()];
        const config = join(temporaryFolder(), "config");
        const fields = (url: string) =>
          `region = us-east-1\nendpoint_url = ${url}\naws_access_key_id = ${KEYS.access}\naws_secret_access_key=${KEYS.secret}\n`;
        writeFileSync(
          config,
          `[profile near]\n${fields(server.url)}\n[profile "far.2"]\n${fields(other.url)}`,
        );
        const env = {
          ...{ AWS_CONFIG_FILE: config, BACKUP_WARM_PROFILE: "near", BACKUP_COLD_PROFILE: "far.2" },
          ...{ BACKUP_WARM: `s3://${warm}`, BACKUP_COLD: `s3://${cold}` },
          // a cluster sets these for its own provider, and neither profile may take them
          ...{ AWS_REGION: "nowhere-1", AWS_ACCESS_KEY_ID: "wrong", AWS_SECRET_ACCESS_KEY: "canary-wrong" },
          AWS_ENDPOINT_URL_S3: "http://127.0.0.1:1",
        };
        const ended = await runRunner(["backup", "check", "--json"], {
          ...env,
          BACKUP_S3_PATH_STYLE: "true",
        });
        expect([ended.code, ended.stderr], ended.stdout).toEqual([0, ""]);
        expect(JSON.parse(ended.stdout).tiers.map(statusOf)).toEqual([
          { ...GOOD, delete: "warn" },
          { ...GOOD, delete: "warn" },
        ]);
      } finally {
        await other.stop();
      }
    });
  },
);
