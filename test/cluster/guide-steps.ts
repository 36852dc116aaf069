/** The part of docs/deploy.md that says how to take over from the Helm charts. */
const SECTION = /^## Coming from the Helm charts$([\s\S]*?)(?=^## |$(?![\s\S]))/m;
const BLOCK = /^ *```sh\n([\s\S]*?)^ *```$/gm;

/** One line of the guide: who runs it, and what the test puts in the place of what only a reader has. */
export type GuideStep =
  | { readonly by: "helm"; readonly line: string; readonly args: readonly string[] }
  | { readonly by: "kubectl"; readonly line: string }
  /** Instead of `pulumi up` the test applies the objects; a preview and a check of its own it leaves out. */
  | { readonly by: "pulumi"; readonly line: string; readonly isDeploy: boolean };

/**
 * The steps of the guide in its order. `charts` is the folder of the charts; `keep=true` stands for the annotation that a
 * reader writes into the templates. A line that the test cannot run is an error, so that the guide shows none.
 */
export function listHelmSteps(guide: string, charts: string): readonly GuideStep[] {
  const [, section = ""] = SECTION.exec(guide) ?? [];
  const lines = [...section.matchAll(BLOCK)].flatMap(([, block = ""]) =>
    block.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim()])),
  );
  return lines.map((line) => stepOf(line, charts));
}

function stepOf(line: string, charts: string): GuideStep {
  const [program, ...words] = line.split(" ");
  if (program === "kubectl") return { by: "kubectl", line };
  if (program === "pulumi") return { by: "pulumi", line, isDeploy: /^pulumi up --stack \w+$/.test(line) };
  if (program !== "helm") throw new Error(`the adoption guide shows a line that no test runs: ${line}`);
  const args = words.map((word) => word.replace(/^\.\/charts\//, `${charts}/`));
  const isKept = line.includes(" upgrade r3a-sync ");
  return { by: "helm", line, args: isKept ? [...args, "--set", "keep=true"] : args };
}
