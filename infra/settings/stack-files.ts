import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { SettingsFault } from "../errors.ts";
import { nearest } from "./nearest.ts";
import { decode, describe, type RawValue, type Source, unknownKey } from "./parse.ts";
import { isReadAlike } from "./plain-scalar.ts";
import { DEFAULTS, isSetting, PROJECT } from "./schema.ts";
import { faultOfSecure, isEncrypted, isSecretName, plainSecret, secretInProject } from "./secret-keys.ts";
import { type Entry, readYaml, type YamlFault, type YamlFile } from "./yaml-file.ts";

const PROJECT_FILE = "Pulumi.yaml";
const STACK_FILE = /^Pulumi\.([A-Za-z0-9_.-]+)\.yaml$/;
/**
 * Other keys of the engine in a stack file. `environment` is not among them, because synth cannot read an environment.
 */
const STACK_KEYS = ["config", "secretsprovider", "encryptionsalt", "encryptedkey"];

/** The names of all environments that have a file, sorted. */
export function listStacks(root: string): readonly string[] {
  return readdirSync(root)
    .flatMap((file) => STACK_FILE.exec(file)?.[1] ?? [])
    .sort();
}

/**
 * The values of the files that Pulumi reads too: the defaults of Pulumi.yaml, replaced key by key by those of
 * Pulumi.<stack>.yaml. Engine and passphrase are not needed: the reader only checks that secrets are encrypted. Throws
 * a SettingsFault if a file cannot be read at all.
 */
export function readStack(root: string, stack: string): Source {
  const stackFile = `Pulumi.${stack}.yaml`;
  const stacks = listStacks(root);
  if (!stacks.includes(stack))
    throw new SettingsFault([
      `${stackFile}: there is no such file; stacks are ${stacks.join(", ")}, \`pulumi stack init ${stack}\` makes a new one`,
    ]);
  const [projectYaml, stackYaml] = [open(root, PROJECT_FILE), open(root, stackFile)];
  if ("faults" in projectYaml || "faults" in stackYaml)
    throw new SettingsFault(
      [projectYaml, stackYaml].flatMap((file) => ("faults" in file ? file.faults : [])),
    );
  const project = readProjectFile(projectYaml);
  const own = readStackFile(stackFile, stackYaml);
  const missing = project.undecided
    .filter((name) => !(name in own.values))
    .map((name) => at(PROJECT_FILE, name, "has neither default nor value; `npm run docs` writes it again"));
  return {
    values: { ...project.values, ...own.values },
    placeOf: (name) => placeOf(name, stackFile, project, own),
    faults: [...project.faults, ...own.faults, ...missing],
  };
}

/**
 * The faults of the file of a stack, for the program that gets its values from the engine: the engine accepts an
 * unknown key, a secret in plain text, and a scalar that it reads in another way than synth. None if there is no such
 * file.
 */
export function checkStackFile(root: string, stack: string): readonly string[] {
  if (!listStacks(root).includes(stack)) return [];
  const file = `Pulumi.${stack}.yaml`;
  const yaml = open(root, file);
  return "faults" in yaml ? yaml.faults : readStackFile(file, yaml).faults;
}

/** The values of one file, and the faults of the file itself. */
type Part = Pick<Source, "values" | "faults">;

/**
 * The file to change for a fault. A default that the schema wrote into Pulumi.yaml is right: the stack's file must
 * change.
 */
function placeOf(name: string, stackFile: string, project: Part, own: Part): string {
  const value = project.values[name];
  if (name in own.values || value === undefined) return stackFile;
  const isOurs = isSetting(name) && isDeepStrictEqual(decode(name, value), DEFAULTS[name]);
  return isOurs ? stackFile : PROJECT_FILE;
}

function at(file: string, key: string, message: string): string {
  return describe({ key, message }, () => file);
}

/** Parsed files by their text: Pulumi.yaml is the same for every stack, and takes 30 ms to parse. */
const known = new Map<string, YamlFile | YamlFault>();

function open(root: string, file: string): YamlFile | YamlFault {
  const path = join(root, file);
  if (!existsSync(path)) return { faults: [`${file}: there is no such file; \`npm run docs\` writes it`] };
  const text = readFileSync(path, "utf8");
  const parsed = known.get(text) ?? readYaml(file, text);
  known.set(text, parsed);
  return parsed;
}

function readProjectFile(file: YamlFile): Part & { readonly undecided: readonly string[] } {
  const values: Record<string, RawValue> = {};
  const undecided: string[] = [];
  const faults: string[] = [];
  const name = file.keys.find(({ key }) => key === "name")?.text;
  if (name !== PROJECT)
    faults.push(
      `${PROJECT_FILE}: name: the project must be called ${PROJECT}, as its keys are; write name: ${PROJECT}`,
    );
  const entries = file.entriesOf("config");
  if (entries === undefined) faults.push(`${PROJECT_FILE}: config: is no map; write one key per setting`);
  for (const entry of entries ?? []) {
    if (entry.key.includes(":") && !entry.key.startsWith(`${PROJECT}:`)) continue;
    const key = entry.key.replace(`${PROJECT}:`, "");
    const fault = isSecretName(key) ? secretInProject(key) : faultOfSecure(entry.value);
    if (key in values || undecided.includes(key))
      faults.push(at(PROJECT_FILE, key, `stands here twice, also as ${PROJECT}:${key}; keep one of them`));
    else if (fault !== null) faults.push(at(PROJECT_FILE, key, fault));
    else if (entry.text !== undefined || Array.isArray(entry.value)) values[key] = rawOf(entry);
    else {
      const declared = Object.entries(entry.value as Readonly<Record<string, unknown>>);
      const given = declared.filter(([field]) => field === "default" || field === "value");
      const [first] = given;
      if (given.length > 1)
        faults.push(at(PROJECT_FILE, key, "has both default and value; keep one of them"));
      else if (first === undefined) undecided.push(key);
      else values[key] = { value: first[1] };
    }
  }
  return { values, undecided, faults };
}

function readStackFile(stackFile: string, file: YamlFile): Part {
  const values: Record<string, RawValue> = {};
  const faults: string[] = [];
  for (const { key } of file.keys)
    if (!STACK_KEYS.includes(key)) {
      const near = nearest(key, STACK_KEYS);
      const isHidden = key === "environment";
      const remedy = near === undefined ? "settings go under config:" : `did you mean ${near}?`;
      const what = isHidden
        ? "synth cannot see what it brings; write the settings under config:"
        : `unknown; ${remedy}`;
      faults.push(`${stackFile}: ${key}: ${what}`);
    }
  const entries = file.entriesOf("config");
  if (entries === undefined)
    faults.push(`${stackFile}: config: is no map; write ${PROJECT}:KEY: VALUE lines`);
  for (const entry of entries ?? []) {
    if (!entry.key.includes(":"))
      faults.push(`${stackFile}: ${entry.key}: has no namespace; write ${PROJECT}:${entry.key}`);
    if (!entry.key.startsWith(`${PROJECT}:`)) continue;
    const key = entry.key.slice(PROJECT.length + 1);
    if (isSecretName(key)) {
      if (!isEncrypted(entry.value)) faults.push(at(stackFile, key, plainSecret(key)));
      continue;
    }
    const fault = faultOfSecure(entry.value);
    if (fault !== null) {
      faults.push(at(stackFile, key, isSetting(key) ? fault : unknownKey(key)));
      continue;
    }
    const isText = isSetting(key) && typeof DEFAULTS[key] === "string";
    const unsure = entry.plain.find(({ text, isWhole }) => !isReadAlike(text, isText && isWhole));
    if (unsure !== undefined) faults.push(at(stackFile, key, readTwoWays(unsure.line)));
    // a text is checked further; for other types a second fault would only repeat the first one
    if (unsure === undefined || isText) values[key] = rawOf(entry);
  }
  return { values, faults };
}

function readTwoWays(line: number): string {
  return (
    `line ${line} is one thing for synth and another for the Pulumi engine, which reads YAML 1.1; ` +
    "put the value in quotes, or write true, false, a plain number or YYYY-MM-DD"
  );
}

const rawOf = ({ text, value }: Entry): RawValue => ({ text, value });
