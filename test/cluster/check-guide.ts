import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { check } from "./report.ts";
import { ROOT, runTool } from "./run-tool.ts";

const PAGES = ["operations.md", "quick-reference.md"];
const BLOCK = /^```sh\n([\s\S]*?)^```$/gm;

/** The lines of the guide's blocks that are about the cluster, but for the deployment, which this test does itself. */
async function listLines(page: string): Promise<readonly string[]> {
  const text = await readFile(join(ROOT, "docs", page), "utf8");
  return [...text.matchAll(BLOCK)]
    .flatMap(([, block = ""]) => block.trim().split("\n"))
    .filter((line) => /^(kubectl (?!apply)|npm run runner -- janitor)/.test(line));
}

/** What prints nothing selects nothing, and would be shown to somebody who waits for an answer. */
const ANSWERS = /^kubectl (-n \S+ )?(get|logs|describe|auth)\b/;

/** Every line about the cluster that the guides show, as it stands there, in its order. */
export async function checkGuide(): Promise<void> {
  for (const page of PAGES)
    await check(`every line about the cluster in docs/${page} works`, async () => {
      const lines = await listLines(page);
      for (const line of lines) {
        const said = await runTool("sh", ["-c", line]);
        if (ANSWERS.test(line) && said.trim() === "") throw new Error(`${line}: it prints nothing`);
      }
      if (lines.length === 0) throw new Error("the page shows none");
      return `${lines.length} lines`;
    });
}
