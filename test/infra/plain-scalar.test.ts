import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Config, runtime } from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { SettingsFault } from "../../infra/errors.ts";
import { loadStack, settingsFrom } from "../../infra/model/load.ts";
import { readPulumiConfig } from "../../infra/settings/pulumi-config.ts";
import type { Settings } from "../../infra/settings/schema.ts";
import { checkStackFile } from "../../infra/settings/stack-files.ts";
import { temporaryFolder } from "../support/folder.ts";

const folder = temporaryFolder();
writeFileSync(join(folder, "Pulumi.yaml"), "name: r3a\n");

type Outcome = { readonly settings: Partial<Settings> } | { readonly faults: readonly string[] };
function outcomeOf(load: () => Settings, keys: readonly (keyof Settings)[]): Outcome {
  try {
    const settings = load();
    return { settings: Object.fromEntries(keys.map((key) => [key, settings[key]])) };
  } catch (error) {
    if (error instanceof SettingsFault) return { faults: error.faults };
    throw error;
  }
}

/**
 * What both loaders make of one line of a stack's file: synth of the file, `up` of `engine`, the text that the engine
 * hands over for it, and of the file's faults.
 */
function loadBoth(key: keyof Settings, written: string, engine: string): readonly [Outcome, Outcome] {
  const fixed = { requireDigest: "false" };
  writeFileSync(
    join(folder, "Pulumi.e.yaml"),
    `config:\n  r3a:requireDigest: false\n  r3a:${key}: ${written}\n`,
  );
  runtime.setAllConfig(
    Object.fromEntries(
      Object.entries({ ...fixed, [key]: engine }).map(([name, text]) => [`r3a:${name}`, text]),
    ),
  );
  return [
    outcomeOf(() => loadStack(folder, "e"), [key]),
    outcomeOf(() => {
      const faults = checkStackFile(folder, "e");
      if (faults.length > 0) throw new SettingsFault(faults);
      return settingsFrom(readPulumiConfig(new Config("r3a"), "e"));
    }, [key]),
  ];
}

describe("synth and `up` accept a scalar that both read alike", () => {
  test.each<[keyof Settings, string, string, unknown]>([
    // the engine makes a time of a date without quotes, and writes it into the file so
    ["fallbackStart", "2026-01-01", "2026-01-01 00:00:00 +0000 UTC", "2026-01-01"],
    ["fallbackStart", "2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01"],
    ["fallbackStart", '"2026-01-01"', "2026-01-01", "2026-01-01"],
    ["fallbackStart", "2026-01-01 00:00:00 +0000 UTC", "2026-01-01 00:00:00 +0000 UTC", "2026-01-01"],
    ["imageTag", "2025-11-15", "2025-11-15 00:00:00 +0000 UTC", "2025-11-15"],
    ["imageTag", "2025-11-15a", "2025-11-15a", "2025-11-15a"],
    ["imageTag", '"1.10"', "1.10", "1.10"],
    ["imageTag", "1.2.10", "1.2.10", "1.2.10"],
    ["universeSize", "12", "12", 12],
    ["universeSize", '"12"', "12", 12],
    ["weightLimit", "0.5", "0.5", 0.5],
    ["weightLimit", "0.50", "0.5", 0.5],
    ["egressKey", "1", "1", "1"],
    ["egressKey", '"on"', "on", "on"],
    ["protect", "true", "true", true],
    ["protect", '"true"', "true", true],
    ["pullSecretName", "", "", ""],
    ["pullSecretName", "~", "", ""],
    [
      "jobs",
      "{ gaps: { suspend: true, backoffLimit: 2 } }",
      '{"gaps":{"suspend":true,"backoffLimit":2}}',
      { gaps: { suspend: true, backoffLimit: 2 } },
    ],
  ])("%s: %s", (key, written, engine, value) => {
    const [synth, up] = loadBoth(key, written, engine);
    expect(synth).toEqual({ settings: { [key]: value } });
    expect(up).toEqual(synth);
  });
});

describe("synth and `up` refuse a scalar that YAML 1.1 and 1.2 read differently, and name its line", () => {
  test.each<[keyof Settings, string, string]>([
    ["universeSize", "0x10", "16"],
    ["universeSize", "0o17", "15"],
    ["universeSize", "017", "15"],
    ["universeSize", "0b11", "3"],
    ["universeSize", "1_000", "1000"],
    ["universeSize", "5E_4", "50000"],
    ["egressKey", "-_7094.", "-7094"],
    ["universeSize", "+60", "60"],
    ["universeSize", "6e1", "60"],
    ["universeSize", "60.", "60"],
    ["universeSize", "12345678901234567890", "12345678901234567000"],
    ["universeSize", "1:30", "1:30"],
    ["weightLimit", ".5", "0.5"],
    ["weightLimit", ".inf", ".inf"],
    ["weightLimit", ".NaN", "NaN"],
    ["weightLimit", "0.0000001", "1e-07"],
    ["protect", "yes", "true"],
    ["protect", "Off", "false"],
    ["protect", "True", "true"],
    ["egressKey", "no", "false"],
    ["egressKey", "y", "true"],
    ["imageTag", "1.10", "1.1"],
    ["imageTag", "1e3", "1000"],
    ["imageTag", "007", "7"],
    ["fallbackStart", "2026-1-1", "2026-01-01 00:00:00 +0000 UTC"],
    ["fallbackStart", "2026-01-01T00:00:00+01:00", "2025-12-31 23:00:00 +0000 UTC"],
    ["fallbackStart", "2026-01-01 12:00:00", "2026-01-01 12:00:00 +0000 UTC"],
    ["egressKey", "!!str 1", "1"],
    ["jobs", "{ gaps: { suspend: yes } }", '{"gaps":{"suspend":true}}'],
    ["jobs", "{ gaps: { backoffLimit: 0o2 } }", '{"gaps":{"backoffLimit":2}}'],
    ["jobs", "{ gaps: &a { suspend: on }, verify: *a }", '{"gaps":{"suspend":true}}'],
    ["jobs", "{ gaps: { <<: { suspend: true } } }", '{"gaps":{"suspend":true}}'],
    ["symbols", "[BTCUSDT, 1_000]", '["BTCUSDT",1000]'],
  ])("%s: %s", (key, written, engine) => {
    const [synth, up] = loadBoth(key, written, engine);
    const fault = expect.stringMatching(
      new RegExp(
        `^Pulumi\\.e\\.yaml: r3a:${key}: line 3 is one thing for synth and another .*; put the value in quotes`,
      ),
    );
    expect(up).toEqual({ faults: [fault] });
    expect(synth).toEqual("faults" in synth ? { faults: expect.arrayContaining([fault]) } : {});
  });
});

test("`up` refuses what synth refuses in a file: a key without a namespace, a key that is there twice", () => {
  const faultsOf = (lines: string) => {
    writeFileSync(join(folder, "Pulumi.e.yaml"), lines);
    return checkStackFile(folder, "e");
  };
  expect(faultsOf("config:\n  universeSize: 12\n")).toEqual([
    "Pulumi.e.yaml: universeSize: has no namespace; write r3a:universeSize",
  ]);
  expect(faultsOf("config:\n  r3a:protect: true\n  r3a:protect: false\n")).toEqual([
    "Pulumi.e.yaml:3: this key stands here twice; keep one of them",
  ]);
  expect(checkStackFile(folder, "elsewhere")).toEqual([]);
});
