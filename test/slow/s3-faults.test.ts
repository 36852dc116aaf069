import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { StoreFault } from "../../runner/src/store/fault.ts";
import { openS3Store } from "../../runner/src/store/s3-store.ts";
import type { Store } from "../../runner/src/store/store.ts";
import { findGateway } from "../support/store/gateway.ts";
import { type S3Proxy, startS3Proxy } from "../support/store/s3-proxy.ts";
import { KEYS, type S3Server, startS3Server } from "../support/store/s3-server.ts";
import { faultOf, faultsOf, going, listAll, spool } from "../support/store/store-cases.ts";

const gateway = await findGateway();

describe.skipIf("missing" in gateway)(`S3 at fault ${"missing" in gateway ? gateway.missing : ""}`, () => {
  let server: S3Server;
  let proxy: S3Proxy;
  let bucket: string;
  let store: Store;
  const open = (of: string): Store =>
    openS3Store({
      tier: "cold",
      report: (text) => {
        throw new Error(text);
      },
      bucket: of,
      prefix: "r3a",
      isPathStyle: true,
      storageClass: null,
    });
  const asTheClientReads = (env: Readonly<Record<string, string>>) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  };
  beforeAll(async () => {
    if ("missing" in gateway) throw new Error(gateway.missing);
    server = await startS3Server(gateway.file);
    proxy = await startS3Proxy(server.url);
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });
  beforeEach(async () => {
    vi.unstubAllEnvs();
    asTheClientReads({
      AWS_ACCESS_KEY_ID: KEYS.access,
      AWS_SECRET_ACCESS_KEY: KEYS.secret,
      AWS_REGION: "us-east-1",
      AWS_ENDPOINT_URL_S3: proxy.url,
    });
    proxy.set(() => "pass");
    bucket = await server.makeBucket();
    store = open(bucket);
  });

  const withoutSecrets = (fault: StoreFault) => {
    expect(`${fault.message} ${fault.stack} ${JSON.stringify(fault)}`).not.toMatch(/canary/);
    expect(fault.cause).toBeUndefined();
    return fault;
  };

  test("500 and 503 by turns: everything is done in the end", async () => {
    const deeds = [
      { status: 500, code: "InternalError" },
      { status: 503, code: "SlowDown" },
      "pass",
    ] as const;
    proxy.set((_, count) => deeds[(count - 1) % 3] ?? "pass");
    const file = await spool(300_000);
    await store.put("objects/a", file, going);
    expect((await buffer(await store.get("objects/a", going))).equals(file.body)).toBe(true);
    expect(await listAll(store)).toEqual([{ key: "objects/a", bytes: 300_000 }]);
    expect(await store.head("objects/a", going)).toEqual({ key: "objects/a", bytes: 300_000 });
    await store.remove("objects/a", going);
    expect(proxy.count("PUT")).toBe(3);
  });

  test("a store that stays busy ends the call after six tries, and says what the store said", async () => {
    proxy.set(() => ({ status: 503, code: "SlowDown" }));
    const fault = withoutSecrets(await faultOf(store.putText("a", "x", going)));
    expect(fault.kind).toBe("unreachable");
    expect(fault.message).toContain(`cold (s3://${bucket}/r3a), a: the store does not serve requests now`);
    expect(fault.message).toContain("(HTTP 503 SlowDown: said so, of the key [REDACTED])");
    expect(proxy.count("PUT")).toBe(6);
  });

  test("an answer that was lost: the next try finds its own object and is done", async () => {
    proxy.set((method, count) => (method === "PUT" && count === 1 ? "lose-answer" : "pass"));
    const file = await spool(200_000);
    await store.put("objects/a", file, going);
    expect(proxy.count("PUT")).toBe(2);
    expect((await buffer(await store.get("objects/a", going))).equals(file.body)).toBe(true);
  });

  test("an answer that was lost while another put the name: the key is taken", async () => {
    const other = open(bucket);
    proxy.set((method, count) => {
      if (method !== "PUT" || count > 2) return "pass";
      return count === 1 ? "cut" : "pass";
    });
    const [mine, first] = [store.putText("a", "mine", going), other.putText("a", "other", going)];
    await first;
    expect(withoutSecrets(await faultOf(mine)).kind).toBe("exists");
    expect(await store.getText("a", going)).toBe("other");
  });

  test("a connection that is cut is tried again, and the body is sent from its start", async () => {
    proxy.set((_, count) => (count < 3 ? "cut" : "pass"));
    const file = await spool(3_000_000);
    await store.put("objects/a", file, going);
    proxy.set(() => "pass");
    expect((await buffer(await store.get("objects/a", going))).equals(file.body)).toBe(true);
  });

  test("a body that ends too early is never taken for the object", async () => {
    await store.put("objects/a", await spool(400_000), going);
    await store.putText("text", "x".repeat(1000), going);
    proxy.set(() => "cut-answer");
    const fault = withoutSecrets(await faultOf(buffer(await store.get("objects/a", going))));
    expect(fault.kind).toMatch(/^(broken|unreachable)$/);
    expect(withoutSecrets(await faultOf(store.getText("text", going))).kind).toMatch(
      /^(broken|unreachable)$/,
    );
  });

  test("a store that hangs ends each call, and a body that stalls ends the stream", async () => {
    await store.put("objects/a", await spool(400_000), going);
    proxy.set(() => "hang");
    const hung = [store.putText("b", "x", going), store.head("objects/a", going), listAll(store)];
    for (const fault of await faultsOf(hung)) {
      expect(fault.kind).toBe("unreachable");
      expect(fault.message).toMatch(/(nothing moved|not done) within \d+ s; look whether/);
    }
    proxy.set(() => "stall-answer");
    const stalled = await faultOf(buffer(await store.get("objects/a", going)));
    expect(stalled.kind).toBe("unreachable");
    expect(stalled.message).toMatch(/no byte came for 30 s after \d+ of 400000/);
  }, 240_000);

  test("a run that is stopped ends a call that hangs, and one that waits for its next try", async () => {
    for (const deed of ["hang", "cut"] as const) {
      proxy.set(() => deed);
      const stop = new AbortController();
      const ended = store.putText("a", "x", stop.signal).catch((error: unknown) => error);
      await expect.poll(() => proxy.count("PUT")).toBeGreaterThan(0);
      const reason = new Error("stopped");
      stop.abort(reason);
      expect(await ended).toBe(reason);
    }
  });

  test("no bucket", async () => {
    const none = open("no-such-bucket-4711");
    const faults = await faultsOf([
      none.putText("a", "x", going),
      none.getText("a", going),
      none.head("a", going),
      listAll(none),
    ]);
    for (const fault of faults) {
      expect(fault.kind).toBe("no-bucket");
      expect(fault.message).toContain("the bucket does not exist; make it");
      withoutSecrets(fault);
    }
  });

  test.each([
    ["another key", { AWS_ACCESS_KEY_ID: "AKIACANARY4711000000" }],
    ["another secret", { AWS_SECRET_ACCESS_KEY: "canary-4711-wrong" }],
  ])("wrong credentials: %s", async (_, env) => {
    asTheClientReads(env);
    const wrong = open(bucket);
    const faults = await faultsOf([
      wrong.putText("a", "x", going),
      wrong.getText("a", going),
      listAll(wrong),
    ]);
    for (const fault of faults) {
      expect([fault.kind, fault.message]).toEqual(["denied", expect.any(String)]);
      expect(fault.message).toContain("correct AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY");
      expect(fault.message).not.toContain("CANARY");
      withoutSecrets(fault);
    }
    expect(withoutSecrets(await faultOf(wrong.head("a", going))).kind).toBe("denied");
  });

  test("no credentials at all", async () => {
    asTheClientReads({
      AWS_ACCESS_KEY_ID: "",
      AWS_SECRET_ACCESS_KEY: "",
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
      AWS_CONFIG_FILE: "/nonexistent",
    });
    const fault = await faultOf(open(bucket).putText("a", "x", going));
    expect(fault.kind).toBe("denied");
    expect(fault.message).toContain("no credentials were found; set AWS_ACCESS_KEY_ID");
  });

  test.each([
    ["RequestTimeTooSkewed", 403, "clock", "set the clock by NTP"],
    ["AccessDenied", 403, "denied", "have no right to do this"],
    ["ExpiredToken", 400, "denied", "are not accepted"],
    ["PermanentRedirect", 301, "refused", "set AWS_REGION to the region of the bucket"],
    ["InsufficientStorage", 507, "full", "the store has no room"],
    ["BadDigest", 400, "broken", "is not what was sent"],
    ["InvalidStorageClass", 400, "refused", "InvalidStorageClass"],
    ["NotImplemented", 501, "refused", "NotImplemented"],
  ])("%s (HTTP %d) is %s", async (code, status, kind, words) => {
    proxy.set(() => ({ status, code }));
    const fault = withoutSecrets(await faultOf(store.putText("a", "x", going)));
    expect(fault.kind).toBe(kind);
    expect(fault.message).toContain(words);
  });

  test("a clock an hour ahead: the client learns the store's time from its answer, and the next try is taken", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
    try {
      await store.putText("a", "x", going);
      expect(proxy.count("PUT")).toBe(2);
      expect(await store.getText("a", going)).toBe("x");
    } finally {
      vi.useRealTimers();
    }
  });

  test("an answer that is none of S3 is no listing and no success", async () => {
    proxy.set(() => "html");
    expect(withoutSecrets(await faultOf(listAll(store))).message).toContain("the answer is none of S3");
  });

  test("http to another machine is refused before anything is sent", async () => {
    asTheClientReads({ AWS_ENDPOINT_URL_S3: "http://192.0.2.1:9000" });
    const fault = await faultOf(open(bucket).putText("a", "x", going));
    expect(fault.kind).toBe("refused");
    expect(fault.message).toContain("begins with http, and 192.0.2.1 is not this machine");
  });

  test("nobody listens, and a server whose certificate nobody trusts", async () => {
    asTheClientReads({ AWS_ENDPOINT_URL_S3: "http://127.0.0.1:1" });
    const away = await faultOf(open(bucket).head("a", going));
    expect([away.kind, away.message]).toEqual(["unreachable", expect.stringContaining("ECONNREFUSED")]);
    asTheClientReads({ AWS_ENDPOINT_URL_S3: proxy.url.replace("http:", "https:") });
    const untrusted = await faultOf(open(bucket).head("a", going));
    expect(untrusted).toBeInstanceOf(StoreFault);
    expect(untrusted.message).toContain("no trusted connection to the store");
  });
});
