import { openDatabase } from "../../../runner/src/db/connect.ts";
import { releaseLeaf, type TakenLeaf, takeLeaf } from "../../../runner/src/db/leaf/guard.ts";
import { own } from "../../../runner/src/db/session.ts";

/** What another session writes would be waited for; tests that hold it on purpose want the error soon. */
const PATIENCE_MS = 300;

/** Takes a leaf as seal and restore do. */
export async function takeFor(url: string, name: string, state: "sealing" | "restoring"): Promise<TakenLeaf> {
  const db = openDatabase(url, "test of guards");
  return own(db, new AbortController().signal, (client) =>
    takeLeaf(client, { name }, { state, runId: null, patienceMs: PATIENCE_MS }),
  ).finally(() => db.pool.end());
}

/** Gives a taken leaf back as sealed; false where somebody reopened it. */
export async function endSealing(url: string, name: string, token: string): Promise<boolean> {
  const db = openDatabase(url, "test of guards");
  return own(db, new AbortController().signal, (client) =>
    releaseLeaf(client, { name, token }, { state: "sealed", note: null, dropGuard: false }),
  ).finally(() => db.pool.end());
}

/** Puts guard and state on a leaf as a seal does; nothing is rewritten, and nothing is backed up. */
export async function sealLeaf(url: string, name: string): Promise<void> {
  const { token } = await takeFor(url, name, "sealing");
  if (!(await endSealing(url, name, token))) throw new Error(`${name} was reopened while it was sealed`);
}
