import { Document, isPair, isScalar, visit } from "yaml";
import { z } from "zod";
import { JOBS } from "../../infra/model/jobs.ts";
import { jobOverride } from "../../infra/settings/fields.ts";
import { PROJECT, SETTINGS } from "../../infra/settings/schema.ts";
import { SECRET_SETTINGS } from "../../infra/settings/secret-keys.ts";
import { HELM_VALUES, type HelmValue } from "./helm-values.ts";

/** What `npm run docs` writes of the settings: Pulumi.yaml and docs/settings.md, both from the schema. */

type Described = {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Described[];
};

function propertiesOf(schema: z.ZodType): readonly (readonly [string, Described])[] {
  const { properties } = z.toJSONSchema(schema, { io: "input" }) as {
    properties: Record<string, Described>;
  };
  return Object.entries(properties);
}

const settings = propertiesOf(SETTINGS);

/** Each union in the settings is a value or its "none", and both have one type. */
function typeOf({ type, anyOf }: Described): string {
  return type ?? anyOf?.[0]?.type ?? "string";
}

/** Types that the engine knows; what has none of them stands under `value` without a type. */
const ENGINE_TYPES = ["string", "integer", "boolean", "array"];

function declare(setting: Described): Record<string, unknown> {
  const { description, default: value } = setting;
  const type = typeOf(setting);
  if (!ENGINE_TYPES.includes(type)) return { description, value };
  return { type, ...(type === "array" ? { items: { type: "string" } } : {}), description, default: value };
}

const WORDS = ["name", "main", "refresh", "type"];

/** Pulumi.yaml: the project and every setting with type, default and meaning. */
export function renderProjectFile(): string {
  const document = new Document({
    name: PROJECT,
    description: "OHLCV candles from Binance into PostgreSQL: the jobs, on Kubernetes",
    runtime: { name: "nodejs", options: { typescript: false } },
    main: "infra/start.js",
    // what was changed by hand in the cluster is seen, and so put right, by every `up` and `preview`
    options: { refresh: "always" },
    config: {
      // a resource without an explicit provider is an error, not a write to whatever cluster kubectl points at
      "pulumi:disable-default-providers": { value: ["kubernetes"] },
      ...Object.fromEntries(settings.map(([name, setting]) => [`${PROJECT}:${name}`, declare(setting)])),
    },
  });
  // the engine reads an unquoted 2020-01-01 as a time, so every text is quoted but the words of the file's own form
  visit(document, {
    Scalar: (position, node, path) => {
      const parent = path.at(-1);
      const isWord = isPair(parent) && isScalar(parent.key) && WORDS.includes(String(parent.key.value));
      if (position !== "key" && !isWord && typeof node.value === "string") node.type = "QUOTE_DOUBLE";
    },
  });
  document.commentBefore = ` Made by \`npm run docs\` from infra/settings/schema.ts; do not edit. An environment changes what differs in
 Pulumi.<stack>.yaml. The secrets ${Object.keys(SECRET_SETTINGS).join(", ")} are not declared here: the engine would demand them
 of every stack, and \`pulumi config set --secret\` puts them into the stack's file.`;
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

const code = (value: unknown): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text === "" ? '`""`' : `\`${text}\``;
};
const cell = (text: string): string => text.replaceAll("|", "\\|");
const row = (...cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |`;

function kindOf(setting: Described): string {
  const values = setting.enum ?? [];
  return values.length > 0 ? values.map(code).join(", ") : typeOf(setting).replace("object", "map");
}

const LATER = ", as soon as the job is there";

function helmTarget({ setting, job, field }: HelmValue): string {
  if (setting !== undefined) return code(`${PROJECT}:${setting}`);
  if (job === undefined) return "the field of this name, of each job";
  const isThere = JOBS.some(({ name }) => name === job);
  return `${code(field ?? "")} under ${code(`${PROJECT}:jobs.${job}`)}${isThere ? "" : LATER}`;
}

/** One row for the values of a job that have kept their names, one for each that has not. */
function helmRows(): readonly string[] {
  const isKept = ({ name, field }: HelmValue) => field !== undefined && name.split(".").at(-1) === field;
  const groups = Map.groupBy(HELM_VALUES, (value) =>
    isKept(value) ? `${value.chart} ${value.job}` : `${value.chart} ${value.name}`,
  );
  return [...groups.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const names = [first, ...others].map(({ name }) => code(name)).join(", ");
    const target = helmTarget(first);
    return row(
      first.chart,
      names,
      others.length === 0 ? target : target.replace(/^`\w+`/, "the field of this name"),
    );
  });
}

/** docs/settings.md: all settings, secrets, fields of a job, the jobs, and where the values of the charts went. */
export function renderSettingsPage(): string {
  return `# Settings

Made by \`npm run docs\`; do not edit. \`Pulumi.yaml\` holds every default, \`Pulumi.<stack>.yaml\` what an environment
changes, as \`${PROJECT}:KEY: VALUE\` under \`config:\`. Synth and \`pulumi up\` read the same files. A list or map replaces the
default as a whole. What is wrong is reported all at once, with the file and the key.

| key | type | default | meaning |
| --- | --- | --- | --- |
${settings.map(([name, each]) => row(code(name), kindOf(each), code(each.default), each.description ?? "")).join("\n")}

## Secrets

Only with \`secretsMode: pulumi\`, and only encrypted: \`pulumi config set --secret ${PROJECT}:KEY\` asks for the value. In plain
text they are refused, and synth never reads them.

| key | meaning |
| --- | --- |
${Object.entries(SECRET_SETTINGS)
  .map(([name, { meaning }]) => row(code(name), meaning))
  .join("\n")}

## Fields of a job

\`\`\`yaml
config:
  ${PROJECT}:jobs:
    sync-1h: { schedule: "2 * * * *" }
    verify: { enabled: false }
\`\`\`

What is left out stays as in the table of jobs. Times must fit: activeDeadlineSeconds and
terminationGracePeriodSeconds into the period, except where the table of jobs gives a reason for longer (sync-1m); start
(5 s), deadlineSeconds and terminationGracePeriodSeconds into activeDeadlineSeconds.

| field | type | meaning |
| --- | --- | --- |
${propertiesOf(jobOverride)
  .map(([name, each]) => row(code(name), kindOf(each), each.description ?? ""))
  .join("\n")}

## Jobs

| name | schedule (UTC) | command | deadline s | why |
| --- | --- | --- | --- | --- |
${JOBS.map((job) => row(code(job.name), code(job.schedule), code(job.command.join(" ")), `${job.activeDeadlineSeconds}`, job.why)).join("\n")}

## Coming from the Helm charts

| chart | value | setting |
| --- | --- | --- |
${helmRows().join("\n")}
`;
}
