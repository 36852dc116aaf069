import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { temporaryFolder } from "../folder.ts";

/** What the server takes; a secret of this form is in no message of ours. */
export const KEYS = { access: "canarykey4711access", secret: "canary-4711-secret/of+S3" } as const;

export type S3Server = {
  readonly url: string;
  readonly client: S3Client;
  /** A new bucket. */
  readonly makeBucket: () => Promise<string>;
  readonly stop: () => Promise<void>;
};

let buckets = 0;

/** versitygw over a folder. */
export async function startS3Server(file: string): Promise<S3Server> {
  const folder = temporaryFolder();
  const [root, sidecar] = [join(folder, "data"), join(folder, "attributes")];
  await Promise.all([mkdir(root), mkdir(sidecar)]);
  const port = await findPort();
  const words = ["--port", `127.0.0.1:${port}`, "--quiet", "posix", "--sidecar", sidecar, root];
  const env = { PATH: process.env.PATH ?? "", ROOT_ACCESS_KEY: KEYS.access, ROOT_SECRET_KEY: KEYS.secret };
  const child = spawn(file, words, { env, stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const url = `http://127.0.0.1:${port}`;
  const client = new S3Client({
    endpoint: url,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: KEYS.access, secretAccessKey: KEYS.secret },
  });
  const makeBucket = async () => {
    buckets += 1;
    const bucket = `bucket-${process.pid}-${buckets}`;
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    return bucket;
  };
  for (let tries = 0; ; tries += 1) {
    if (child.exitCode !== null) throw new Error(`the S3 server ended: ${stderr}`);
    const answers = await fetch(url).then(
      () => true,
      () => false,
    );
    if (answers) break;
    if (tries === 300) throw new Error(`the S3 server does not answer: ${stderr}`);
    await sleep(100);
  }
  return {
    url,
    client,
    makeBucket,
    async stop() {
      client.destroy();
      child.kill();
      await once(child, "close");
    },
  };
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
