import { createHash } from "node:crypto";
import { HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openStores } from "../../runner/src/store/open-store.ts";
import { findGateway } from "../support/store/gateway.ts";
import { KEYS, type S3Server, startS3Server } from "../support/store/s3-server.ts";
import { going, listAll, spool, type Tried, testStore } from "../support/store/store-cases.ts";

const gateway = await findGateway();
const SETTINGS = {
  backupHot: null,
  backupWarm: null,
  backupCold: null,
  backupS3PathStyle: true,
  backupS3StorageClass: null,
};

describe.skipIf("missing" in gateway)(
  `S3 by a real server ${"missing" in gateway ? gateway.missing : ""}`,
  () => {
    let server: S3Server;
    beforeAll(async () => {
      if ("missing" in gateway) throw new Error(gateway.missing);
      server = await startS3Server(gateway.file);
      // the client reads the process itself
      vi.stubEnv("AWS_ACCESS_KEY_ID", KEYS.access);
      vi.stubEnv("AWS_SECRET_ACCESS_KEY", KEYS.secret);
      vi.stubEnv("AWS_REGION", "us-east-1");
      vi.stubEnv("AWS_ENDPOINT_URL_S3", server.url);
    });
    afterAll(async () => {
      vi.unstubAllEnvs();
      await server?.stop();
    });

    const open = async (prefix = "r3a/of.Team"): Promise<Tried & { readonly bucket: string }> => {
      const bucket = await server.makeBucket();
      const reports: string[] = [];
      const settings = { ...SETTINGS, backupWarm: { kind: "s3", bucket, prefix } as const };
      const [store] = await openStores(settings, (text) => reports.push(text));
      if (store === undefined) throw new Error("no store");
      const plant = async (name: string, body: string) => {
        const key = prefix === "" ? name : `${prefix}/${name}`;
        await server.client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
      };
      return { bucket, store, plant, reports };
    };

    describe("as every store", () => {
      testStore(open, 1_050);
    });

    test("an object carries its SHA-256, and lies below the prefix alone", async () => {
      const { store, bucket } = await open();
      const file = await spool(70_000);
      await store.put("objects/a", file, going);
      const command = { Bucket: bucket, Key: "r3a/of.Team/objects/a", ChecksumMode: "ENABLED" } as const;
      const { ChecksumSHA256, ContentLength } = await server.client.send(new HeadObjectCommand(command));
      expect(ContentLength).toBe(70_000);
      expect(ChecksumSHA256).toBe(createHash("sha256").update(file.body).digest("base64"));
    });

    test("a tier sees what is below its own prefix, and not what begins like it", async () => {
      const { store, bucket } = await open("team");
      await store.putText("a", "x", going);
      for (const key of ["team2/b", "teamster", "b"])
        await server.client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: "y" }));
      expect(await listAll(store)).toEqual([{ key: "a", bytes: 1 }]);
    });

    test("a tier can be a whole bucket, and its folder markers are no strangers", async () => {
      const { store, bucket, reports } = await open("");
      await store.putText("objects/a", "x", going);
      expect(await listAll(store)).toEqual([{ key: "objects/a", bytes: 1 }]);
      const other = await open("team");
      await other.plant("", "");
      expect(await listAll(other.store)).toEqual([]);
      expect([...reports, ...other.reports]).toEqual([]);
      expect(bucket).not.toBe(other.bucket);
    });

    test("30 MB go in and out in parts", async () => {
      const { store } = await open();
      const file = await spool(30_000_000);
      await store.put("objects/a", file, going);
      const hash = createHash("sha256");
      for await (const part of await store.get("objects/a", going)) hash.update(part);
      expect(hash.digest("hex")).toBe(file.sha256);
    });
  },
);
