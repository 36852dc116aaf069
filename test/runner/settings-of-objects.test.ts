import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bech32 } from "@scure/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isBech32Key } from "../../runner/src/archive/object/bech32.ts";
import { createRedactor, createResultRedactor } from "../../runner/src/redact.ts";
import { parseSettings } from "../../runner/src/settings/parse.ts";
import { newKey } from "../support/backup/object.ts";
import { temporaryFolder } from "../support/folder.ts";
import { faultsOf } from "../support/settings-faults.ts";

const folder = temporaryFolder();
const [online, offline] = await Promise.all([newKey(), newKey()]);
const secretOf = ({ identity }: { readonly identity: string }) => identity.slice("AGE-SECRET-KEY-1".length);

function fileOf(text: string, mode = 0o600): string {
  const path = join(folder, `identity-${Math.random()}`);
  writeFileSync(path, text, { mode });
  return path;
}

describe("BACKUP_RECIPIENTS", () => {
  const faults = (BACKUP_RECIPIENTS: string) => faultsOf({ BACKUP_RECIPIENTS }, ["backupRecipients"]);

  test("takes public keys between commas, each once", () => {
    const text = ` ${online.recipient}, ${offline.recipient},${online.recipient}`;
    expect(parseSettings({ BACKUP_RECIPIENTS: text }, ["backupRecipients"])).toEqual({
      backupRecipients: [online.recipient, offline.recipient],
    });
  });

  test("has no default", () => {
    expect(faults("")).toEqual(["BACKUP_RECIPIENTS is not set"]);
    expect(faults(",")).toEqual([
      "BACKUP_RECIPIENTS must name at least one public key (age1...), separated by commas",
    ]);
  });

  test("refuses a secret key, with or without its beginning, and shows neither", () => {
    for (const text of [online.identity, online.identity.toLowerCase(), secretOf(online)]) {
      const [fault = "", ...others] = faults(`${offline.recipient},${text}`);
      expect(others).toEqual([]);
      expect(fault).toMatch(/holds a secret key|number 2 is none \(its value is not shown\)/);
      expect(fault.toUpperCase()).not.toContain(secretOf(online).slice(0, 12));
    }
  });

  test("refuses what Debian's age cannot encrypt to or open, and more than 16", async () => {
    for (const text of [
      `${online.recipient}x`,
      "age1pq1qqqq",
      "age1yubikey1qqqq",
      online.recipient.toUpperCase(),
    ])
      expect(faults(text)).toEqual([expect.stringMatching(/^BACKUP_RECIPIENTS must hold public keys/)]);
    const many = await Promise.all(Array.from({ length: 17 }, newKey));
    expect(faults(many.map(({ recipient }) => recipient).join(","))).toEqual([
      "BACKUP_RECIPIENTS names 17 public keys, and at most 16 are taken",
    ]);
  });

  test("finds every single wrong letter, as the library for Bech32 does", () => {
    const digits = "qpzry9x8gf2tvdw0s3jn54khce6mua7lb1";
    fc.assert(
      fc.property(fc.nat({ max: 61 }), fc.constantFrom(...digits), (at, digit) => {
        const text = online.recipient.slice(0, at) + digit + online.recipient.slice(at + 1);
        expect(isBech32Key(text, "age")).toBe(text === online.recipient);
      }),
    );
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 30, maxLength: 34 }),
        fc.constantFrom("age", "ag"),
        (bytes, prefix) => {
          const isKey = bytes.length === 32 && prefix === "age";
          expect(isBech32Key(bech32.encodeFromBytes(prefix, bytes), "age")).toBe(isKey);
        },
      ),
    );
  });
});

describe("BACKUP_IDENTITY and BACKUP_IDENTITY_FILE", () => {
  const parsed = (env: Readonly<Record<string, string>>) =>
    parseSettings(env, ["backupIdentity"]).backupIdentity;
  const faults = (env: Readonly<Record<string, string>>) => faultsOf(env, ["backupIdentity"]);

  test("give the secret keys, those of a file without its comments", () => {
    expect(parsed({ BACKUP_IDENTITY: `${online.identity}\n` })).toBe(online.identity);
    const file = fileOf(
      `# created: 2026-01-01\n# public key: ${online.recipient}\r\n${online.identity}\r\n\n${offline.identity}`,
    );
    expect(parsed({ BACKUP_IDENTITY_FILE: file })).toBe(`${online.identity}\n${offline.identity}`);
  });

  test("are refused together, and where neither is set", () => {
    const both = { BACKUP_IDENTITY: online.identity, BACKUP_IDENTITY_FILE: fileOf(online.identity) };
    expect(faults(both)).toEqual([
      "BACKUP_IDENTITY and BACKUP_IDENTITY_FILE are both set: take one of them away",
    ]);
    expect(faults({})).toEqual(["neither BACKUP_IDENTITY nor BACKUP_IDENTITY_FILE is set"]);
  });

  test("are refused without a part of the value, whatever is wrong", () => {
    const secret = secretOf(online);
    const texts = [
      secret,
      `${online.identity}X`,
      online.identity.slice(0, -1),
      online.identity.toLowerCase(),
    ];
    const found = [
      ...texts.flatMap((text) => [
        ...faults({ BACKUP_IDENTITY: text }),
        ...faults({ BACKUP_IDENTITY_FILE: fileOf(`# mine\n${text}\n`) }),
      ]),
      ...faults({ BACKUP_IDENTITY_FILE: online.identity }),
    ];
    expect(found).toHaveLength(9);
    for (const fault of found) {
      expect(fault).toMatch(/key 1 is none \(its value is not shown\)|instead of the path of a file/);
      expect(fault.toUpperCase()).not.toContain(secret.slice(0, 12));
    }
  });

  test("refuse a file that is away, empty, too large, encrypted, or none", () => {
    const fault = (path: string) => faults({ BACKUP_IDENTITY_FILE: path })[0];
    expect(fault(join(folder, "away"))).toMatch(/^BACKUP_IDENTITY_FILE names .*away, which does not exist$/);
    expect(fault(folder)).toMatch(/which is no regular file$/);
    expect(fault(fileOf("# nothing\n"))).toBe(
      "BACKUP_IDENTITY_FILE holds no secret key (AGE-SECRET-KEY-1...)",
    );
    expect(fault(fileOf("#".repeat(70_000)))).toMatch(/which is larger than 65536 bytes$/);
    expect(fault(fileOf("age-encryption.org/v1\n-> scrypt x 18\n"))).toMatch(
      /is encrypted with a passphrase/,
    );
  });

  test("are removed from every text, with the file's key too", () => {
    const text = `key ${online.identity} and {"k":"${offline.identity}\\n"}`;
    for (const redact of [createRedactor({}), createResultRedactor({})])
      expect(redact(text)).toBe(`key [REDACTED] and {"k":"[REDACTED]\\n"}`);
    expect(createRedactor({ BACKUP_IDENTITY: secretOf(online) })(secretOf(online))).toBe("[REDACTED]");
  });
});

test("BACKUP_SPOOL must be a folder", () => {
  const spool = join(folder, "spool");
  expect(faultsOf({ BACKUP_SPOOL: spool }, ["backupSpool"])).toEqual([
    `BACKUP_SPOOL names ${spool}, which does not exist: make the folder first`,
  ]);
  expect(faultsOf({ BACKUP_SPOOL: fileOf("") }, ["backupSpool"])).toEqual([
    expect.stringMatching(/which is no folder$/),
  ]);
  mkdirSync(spool);
  expect(parseSettings({ BACKUP_SPOOL: spool }, ["backupSpool"])).toEqual({ backupSpool: spool });
});
