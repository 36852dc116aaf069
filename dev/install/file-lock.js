// Plain JavaScript, since the installation needs the lock before there is a Node that runs TypeScript. Its types stand in
// file-lock.d.ts.
import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

export async function withLock(path, action, { waitMs = 300_000, onWait } = {}) {
  let isWaiting = false;
  const mine = await identityOf(process.pid);
  for (const deadline = Date.now() + waitMs; !(await take(path, mine)); ) {
    const holder = await readFile(path, "utf8").catch(tolerate("ENOENT"));
    if (holder === undefined) continue;
    const [pid, born] = holder.split(" ");
    if (!isAlive(Number(pid)) || (await bornAt(Number(pid))) !== born) await discard(path, holder);
    else if (Date.now() > deadline) throw new Error(`process ${pid} holds ${path} for too long`);
    else {
      if (!isWaiting) onWait?.(Number(pid));
      isWaiting = true;
      await sleep(50);
    }
  }
  try {
    return await action(async (pid) => replace(path, await identityOf(pid)));
  } finally {
    await rm(path, { force: true });
  }
}

export function isAlive(pid) {
  if (!(pid > 0)) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

export function tolerate(code) {
  return (error) => {
    if (error.code !== code) throw error;
  };
}

async function identityOf(pid) {
  return `${pid} ${await bornAt(pid)} ${randomUUID()}`;
}

/** A link appears together with its content; a file opened with "wx" does not, and a reader could find half a lock. */
async function take(path, content) {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, content);
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    tolerate("EEXIST")(error);
    return false;
  } finally {
    await rm(draft, { force: true });
  }
}

/** The lock is there all the time: a rename puts the new content in the place of the old one. */
async function replace(path, content) {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, content);
  await rename(draft, path);
}

/** Of several that see the same stale lock one renames it; who caught a newer lock instead puts it back. */
async function discard(path, stale) {
  const caught = `${path}.${randomUUID()}`;
  if ((await rename(path, caught).then(() => true, tolerate("ENOENT"))) === undefined) return;
  if ((await readFile(caught, "utf8")) !== stale) await link(caught, path).catch(tolerate("EEXIST"));
  await rm(caught, { force: true });
}

/** The start time of a process, on Linux alone, where reading it is cheap. The system gives numbers of processes again, after a restart at once. */
async function bornAt(pid) {
  if (process.platform !== "linux") return "";
  // ESRCH: it ended between the opening of the file and the reading
  const isGone = ({ code }) => code === "ENOENT" || code === "ESRCH";
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch((error) => {
    if (!isGone(error)) throw error;
    return "";
  });
  // the second field, the program's name, may hold blanks and brackets; state is the 3rd, start time the 22nd
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? "zombie" : (fields[19] ?? "gone");
}
