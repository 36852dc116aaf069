import { openFolderStore } from "../../../runner/src/store/folder-store.ts";

/** A run that puts the file of its arguments under one key after another until it is killed. */
const [root = "", path = "", bytes = "", sha256 = ""] = process.argv.slice(2);
const store = openFolderStore(root, { tier: "hot", report: () => {} });
const { signal } = new AbortController();
for (let count = 0; ; count += 1)
  await store.put(`objects/${process.pid}-${count}`, { path, bytes: Number(bytes), sha256 }, signal);
