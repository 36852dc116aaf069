import { RESULTS, schemaPath } from "./schemas.ts";

/** The part of docs/commands.md about `--json`: what all results have in common, and the schema of each. */
export function renderResultsPart(): string {
  const links = Object.keys(RESULTS).map((name) => `[\`${name}\`](${schemaPath(name).replace("docs/", "")})`);
  return `## Results as JSON

With \`--json\` stdout has one JSON object: \`version\`, \`command\`, then the fields of the command. Names are in camelCase,
times in ISO 8601 (UTC), a length of time has its unit in its name, and prices are texts with all digits. A whole number
above 2^53 is a text. A long list has a line for each item; everything else is in one line. \`sync --every\` prints an
object after each cycle.

- A dry run has \`"dryRun": true\`.
- A run that left its work to somebody else, or that had none, has \`skipped\` with the reason.
- A command that could do nothing (exit 64, 75, 78) prints nothing. A \`sync\` or \`backfill\` that did a part of its work
  prints what it did. Half an object is from a command that failed while it printed: look at the exit code first.

The version is 1. A field may be added within a version, so a reader passes over fields that are unknown to it. A field
that is removed, or that means something else, raises the version.

JSON Schemas (draft 2020-12): ${links.join(", ")}.
`;
}
