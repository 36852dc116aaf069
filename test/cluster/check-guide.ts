import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { check, expectEqual } from "./report.ts";
import { ROOT, runTool } from "./run-tool.ts";

const PAGES = ["operations.md", "quick-reference.md"];
const BLOCK = /^```sh\n([\s\S]*?)^```$/gm;

/** The lines of the guide's blocks that are about the cluster, but for the deployment, which this test does itself. */
async function listLines(page: string): Promise<readonly string[]> {
  const text = await readFile(join(ROOT, "docs", page), "utf8");
  return [...text.matchAll(BLOCK)]
    .flatMap(([, block = ""]) => block.trim().split("\n"))
    .filter((line) => /^(kubectl (?!apply)|\.\/r3a janitor)/.test(line));
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

/** Where the lines that make secrets are tried: what they make is there already in the namespace of the guide. */
const SCRATCH = "r3a-guide";
const URL_LINE = "DB_URL=postgresql://u:p@h/d\n";

/** The lines of docs/deploy.md that make the secrets by hand, as they stand there, in a namespace of their own. */
export async function checkSecretLines(): Promise<void> {
  await check("the lines of docs/deploy.md that make the secrets work", async () => {
    const guide = await readFile(join(ROOT, "docs/deploy.md"), "utf8");
    const [, block = ""] = /^\*\*existing\*\*[\s\S]*?^```\n([\s\S]*?)^```$/m.exec(guide) ?? [];
    const script = block.replaceAll("kubectl -n r3a ", `kubectl -n ${SCRATCH} `).split("\n");
    await runTool("kubectl", ["create", "namespace", SCRATCH]);
    try {
      const [db = "", ...registry] = script;
      // a pipe of the shell, as a terminal is none either: Node's own is a socket, which /dev/stdin cannot open
      const run = (lines: string, input: string) =>
        runTool("bash", ["-c", `cat | {\n${lines}\n}`], { input });
      await run(db, URL_LINE);
      await run(registry.join("\n"), "token\n");
      const read = async (name: string) =>
        JSON.parse(await runTool("kubectl", ["-n", SCRATCH, "get", "secret", name, "-o", "json"])) as {
          readonly type: string;
          readonly data: Readonly<Record<string, string>>;
        };
      const [url, credentials] = [await read("r3a-db"), await read("r3a-regcred")];
      const text = (value = "") => Buffer.from(value, "base64").toString();
      expectEqual(`DB_URL=${text(url.data.DB_URL)}\n`, URL_LINE, "r3a-db");
      expectEqual(credentials.type, "kubernetes.io/dockerconfigjson", "type of r3a-regcred");
      const auths = { "ghcr.io": { username: "USER", password: "token" } };
      expectEqual(JSON.parse(text(credentials.data[".dockerconfigjson"])), { auths }, "r3a-regcred");
      return "r3a-db, r3a-regcred";
    } finally {
      await runTool("kubectl", ["delete", "namespace", SCRATCH, "--wait=false"]);
    }
  });
}
