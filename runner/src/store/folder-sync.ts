import { open } from "node:fs/promises";

/** Makes the names in a folder durable: without it a file that was synced can be without its name after a loss of power. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  await folder.sync().finally(() => folder.close());
}
