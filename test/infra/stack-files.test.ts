import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadStack } from "../../infra/model/load.ts";
import { listStacks } from "../../infra/settings/stack-files.ts";
import { temporaryFolder } from "../support/folder.ts";
import { faultsOf as faultsIn } from "../support/settings-source.ts";

const folder = temporaryFolder();

const PROJECT = "name: r3a\nruntime: nodejs\n";
const RELEASED = `  r3a:imageDigest: sha256:${"a".repeat(64)}\n`;
const CANARY = "canary-93b1";

/** Writes both files; the stack's lines come under `config:`. */
function write(lines: string, project = PROJECT): void {
  writeFileSync(join(folder, "Pulumi.yaml"), project);
  writeFileSync(join(folder, "Pulumi.prod.yaml"), `config:\n${RELEASED}${lines}`);
}

function load(lines: string, project?: string) {
  write(lines, project);
  return loadStack(folder, "prod");
}

const faultsOf = (lines: string, project?: string) => faultsIn(() => load(lines, project));

describe("values", () => {
  test("of the stack replace those of the project, which replace those of the schema", () => {
    const project = `${PROJECT}config:
  universeSize: { type: integer, default: 7 }
  r3a:weightLimit: { value: 0.5 }
  logLevel: warn
  symbols: [BTCUSDT]
  r3a:jobs: { value: { gaps: { suspend: true } } }
`;
    const settings = load("  r3a:universeSize: 8\n  r3a:jobs: { verify: { suspend: true } }\n", project);
    expect(settings).toMatchObject({
      universeSize: 8,
      weightLimit: 0.5,
      logLevel: "warn",
      egressKey: "default",
    });
    expect(settings.symbols).toEqual(["BTCUSDT"]);
    expect(settings.jobs).toEqual({ verify: { suspend: true } });
  });

  test("of other namespaces pass, and an empty file is enough", () => {
    expect(load("  kubernetes:context: x\n  pulumi:disable-default-providers: [kubernetes]\n").protect).toBe(
      false,
    );
    writeFileSync(join(folder, "Pulumi.empty.yaml"), "");
    expect(listStacks(folder)).toEqual(["empty", "prod"]);
    expect(() => loadStack(folder, "empty")).toThrow("Pulumi.empty.yaml: r3a:imageDigest: is missing");
    rmSync(join(folder, "Pulumi.empty.yaml"));
  });
});

describe("secrets", () => {
  test("are allowed encrypted, whole or part by part, and never returned", () => {
    const settings = load(
      `  r3a:dbUrl: { secure: ${CANARY} }\n  r3a:binance: { apiKey: { secure: ${CANARY} }, apiSecret: { secure: ${CANARY} } }\n`,
    );
    expect(JSON.stringify(settings)).not.toContain(CANARY);
    expect(Object.keys(settings)).not.toContain("dbUrl");
  });

  test.each([
    `  r3a:dbUrl: ${CANARY}\n`,
    `  r3a:dbUrl: [${CANARY}]\n`,
    `  r3a:dbUrl:\n`,
    `  r3a:dbUrl: { secure: a, plain: ${CANARY} }\n`,
  ])("in plain text are an error that does not repeat them: %j", (lines) => {
    const faults = faultsOf(lines);
    expect(faults).toEqual([
      expect.stringMatching(
        /^Pulumi\.prod\.yaml: r3a:dbUrl: a secret in plain text; .*`pulumi config set --secret r3a:dbUrl`$/,
      ),
    ]);
    expect(faults.join()).not.toContain(CANARY);
  });

  test("one plain part among encrypted parts is found, behind an alias too", () => {
    const part = `  r3a:binance: { apiKey: { secure: x }, apiSecret: ${CANARY} }\n`;
    const alias = `  other:x: &a ${CANARY}\n  r3a:registryToken: *a\n`;
    const faults = faultsOf(part + alias);
    expect(faults.map((fault) => fault.slice(0, 40))).toEqual([
      expect.stringContaining("r3a:binance:"),
      expect.stringContaining("r3a:registryToken:"),
    ]);
    expect(faults.join()).not.toContain(CANARY);
  });

  test.each([
    [
      "  r3a:namespace: { secure: x }\n",
      /^Pulumi\.prod\.yaml: r3a:namespace: secure: is for dbUrl, ownerDbUrl/,
    ],
    ["  r3a:jobs: { gaps: { image: { secure: x } } }\n", /^Pulumi\.prod\.yaml: r3a:jobs: secure: is for/],
    ["  r3a:symbols: [{ secure: x }]\n", /^Pulumi\.prod\.yaml: r3a:symbols: secure: is for/],
    ["  r3a:dbURL: { secure: x }\n", /^Pulumi\.prod\.yaml: r3a:dbURL: unknown; did you mean dbUrl\?/],
  ])("are allowed under no other key: %j", (lines, expected) => {
    expect(faultsOf(lines)).toEqual([expect.stringMatching(expected)]);
  });

  test("have no place in Pulumi.yaml at all", () => {
    const declared = `${PROJECT}config:\n  dbUrl: ${CANARY}\n  r3a:registryToken: { default: ${CANARY} }\n  namespace: { default: { secure: x } }\n`;
    const faults = faultsOf("", declared);
    expect(faults).toEqual([
      expect.stringMatching(/^Pulumi\.yaml: r3a:dbUrl: .*--secret r3a:dbUrl/),
      expect.stringMatching(/^Pulumi\.yaml: r3a:registryToken: .*--secret/),
      expect.stringMatching(/^Pulumi\.yaml: r3a:namespace: secure: is for/),
    ]);
    expect(faults.join()).not.toContain(CANARY);
  });
});

describe("files that are wrong", () => {
  test("name file and line where they are no YAML, both files at once, and quote nothing", () => {
    const faults = faultsOf(`  r3a:dbUrl: "${CANARY}\n`, `${PROJECT}name: ${CANARY}\n`);
    expect(faults[0]).toBe("Pulumi.yaml:3: this key stands here twice; keep one of them");
    expect(faults[1]).toMatch(/^Pulumi\.prod\.yaml:\d+: not YAML \(.*\); correct this line$/);
    expect(faults.join()).not.toContain(CANARY);
  });

  test.each([
    [
      "  r3a:protect: true\n  r3a:protect: false\n",
      "Pulumi.prod.yaml:4: this key stands here twice; keep one of them",
    ],
    ["  protect: true\n", "Pulumi.prod.yaml: protect: has no namespace; write r3a:protect"],
    ["  r3a:protect: maybe\n", "Pulumi.prod.yaml: r3a:protect: has the wrong type; write true or false"],
    ["confg:\n  a: b\n", "Pulumi.prod.yaml: confg: unknown; did you mean config?"],
    [
      "environment: [x]\n",
      "Pulumi.prod.yaml: environment: synth cannot see what it brings; write the settings under config:",
    ],
  ])("%j", (lines, expected) => {
    expect(faultsOf(lines)).toEqual([expected]);
  });

  test("a wrong default is a fault of Pulumi.yaml, a default that does not suit the stack one of the stack's", () => {
    expect(faultsOf("", `${PROJECT}config:\n  logLevel: { default: loud }\n  protct: true\n`)).toEqual([
      expect.stringMatching(/^Pulumi\.yaml: r3a:logLevel: .*fatal/),
      "Pulumi.yaml: r3a:protct: unknown; did you mean protect?",
    ]);
    const declared = `${PROJECT}config:\n  registryUser: { default: "" }\n`;
    expect(faultsOf("  r3a:secretsMode: pulumi\n", declared)).toEqual([
      expect.stringMatching(/^Pulumi\.prod\.yaml: r3a:registryUser: /),
    ]);
  });

  test.each([
    [`name: other\n`, /^Pulumi\.yaml: name: the project must be called r3a/],
    [`${PROJECT}config: [a]\n`, /^Pulumi\.yaml: config: is no map/],
    [
      `${PROJECT}config:\n  protect: true\n  r3a:protect: true\n`,
      /^Pulumi\.yaml: r3a:protect: stands here twice/,
    ],
    [
      `${PROJECT}config:\n  protect: { type: boolean }\n`,
      /^Pulumi\.yaml: r3a:protect: has neither default nor value/,
    ],
    [
      `${PROJECT}config:\n  protect: { default: true, value: true }\n`,
      /^Pulumi\.yaml: r3a:protect: has both/,
    ],
    ["- a\n", /^Pulumi\.yaml:1: not a map/],
  ])("%j", (project, expected) => {
    expect(faultsOf("", project)).toEqual([expect.stringMatching(expected)]);
  });

  test("faults of the files and of the values come together", () => {
    const faults = faultsOf(
      `  r3a:dbUrl: ${CANARY}\n  r3a:logLevel: loud\n  protect: true\n  r3a:jobs: { gaps: { shards: 2 } }\n`,
    );
    expect(faults).toHaveLength(4);
  });

  test("a stack without a file names those that there are", () => {
    write("");
    expect(() => loadStack(folder, "pord")).toThrow(
      /^Pulumi\.pord\.yaml: there is no such file; stacks are prod/,
    );
    expect(() => loadStack(folder, "../prod")).toThrow("there is no such file");
  });
});
