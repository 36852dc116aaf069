import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const folders: string[] = [];
const removeAll = () => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
};
afterAll(removeAll);
// files that share their process load this module once, and the hook is the first one's alone
process.once("exit", removeAll);

/** A new folder; it is removed after the test file, or with the process that several files share. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "r3a-test-"));
  folders.push(folder);
  return folder;
}
