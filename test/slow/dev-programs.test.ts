import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { startProgram } from "../support/program.ts";

/** What `npm run NAME` starts: a wrong word is answered by a sentence and 64, `--help` by help, never by a stack. */

const FILES = {
  synth: "infra/programs/synth.js",
  diff: "infra/programs/diff.ts",
  exchange: "dev/exchange/main.ts",
  docs: "dev/docs/main.ts",
  build: "dev/build.ts",
  bench: "bench/main.ts",
  check: "dev/check.ts",
} as const;
type Name = keyof typeof FILES;
const NAMES = Object.keys(FILES) as readonly Name[];

const run = (name: Name, ...words: readonly string[]) =>
  startProgram([FILES[name], ...words], {}, process.execPath).ended;

test.each(NAMES)("npm run %s -- --help says what the program does, and does nothing", async (name) => {
  const { code, stdout, stderr } = await run(name, "--help");
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain(`npm run ${name}`);
  expect(stdout.split("\n").length).toBeGreaterThan(3);
});

test.each(NAMES)("npm run %s -- --nope: a sentence, the way to the help, and 64", async (name) => {
  const { code, stdout, stderr } = await run(name, "--nope");
  expect([code, stdout]).toEqual([64, ""]);
  expect(stderr).toMatch(new RegExp(`^error: .*--nope.*\nsee npm run ${name} -- --help\n$`, "i"));
});

test.each<[Name, readonly string[], RegExp]>([
  ["synth", ["nope"], /^error: Unexpected argument 'nope'\nsee /],
  ["synth", ["--stack"], /^error: Option '--stack <value>' argument missing\nsee /],
  ["diff", ["--stack", "moon"], /^no Pulumi\.moon\.yaml here and at HEAD; stacks are dev, prod\n$/],
  ["diff", ["HEAD", "main"], /^error: one git ref at most\nsee /],
  ["docs", ["nope"], /^error: too many arguments.*\nsee /],
  ["build", ["nope"], /^error: too many arguments.*\nsee /],
  ["bench", ["nope"], /^error: .*'nope' is invalid.*startup, ingest.*\nsee /],
  ["exchange", ["--prt", "1"], /^error: unknown option '--prt'\n\(Did you mean --port\?\)\nsee /],
  ["exchange", ["--port", "x"], /^error: .*'x' is invalid.*not a number\nsee /],
])("npm run %s -- %s", async (name, words, sentence) => {
  const { code, stdout, stderr } = await run(name, ...words);
  expect(stderr).toMatch(sentence);
  expect([code, stdout]).toEqual([64, ""]);
});

test("an exchange at a port that is taken says so", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const { code, stderr } = await run("exchange", "--port", String(port));
  expect([code, stderr]).toEqual([
    1,
    `error: 127.0.0.1:${port}: another program listens there; take another --port, 0 for any free one\n`,
  ]);
  other.close();
});

test("a reader that has enough leaves no stack", async () => {
  const node = `"${process.execPath}"`;
  const script = `{ ${node} ${FILES.diff} --json; echo "exit $?" >&2; } | true; { ${node} ${FILES.check} 2>&1 >&3; echo "exit $?"; } 3>&1 >&2 | true`;
  const { stderr } = await startProgram(["-c", script], {}, "/bin/sh").ended;
  expect(stderr).toMatch(
    /^exit 0\nnobody reads the output any more: the check ends before it is complete\nexit 1\n$/,
  );
});
