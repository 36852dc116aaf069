import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

export type LockWait = {
  /** Throws where another process holds the lock for longer; default 5 min. */
  readonly waitMs?: number;
  /** Called once, where another process has the lock. */
  readonly onWait?: (pid: number) => void;
};

/** Runs the action while this process alone holds the lock file; the lock of a dead process counts as none. */
export async function withLock<T>(
  path: string,
  action: () => Promise<T>,
  { waitMs = 300_000, onWait }: LockWait = {},
): Promise<T> {
  let isWaiting = false;
  const mine = `${process.pid} ${await bornAt(process.pid)} ${randomUUID()}`;
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
    return await action();
  } finally {
    await rm(path, { force: true });
  }
}

/** Whether a process of this number exists; whose it is and what it runs is another question. */
export function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** For `.catch`: turns an error of this code into undefined and throws every other. */
export function tolerate(code: string): (error: unknown) => undefined {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code !== code) throw error;
  };
}

/** A link appears together with its content; a file opened with "wx" does not, and a reader could find half a lock. */
async function take(path: string, content: string): Promise<boolean> {
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

/** Of several that see the same stale lock one renames it; who caught a newer lock instead puts it back. */
async function discard(path: string, stale: string): Promise<void> {
  const caught = `${path}.${randomUUID()}`;
  if ((await rename(path, caught).then(() => true, tolerate("ENOENT"))) === undefined) return;
  if ((await readFile(caught, "utf8")) !== stale) await link(caught, path).catch(tolerate("EEXIST"));
  await rm(caught, { force: true });
}

/** The start time of a process, on Linux alone, where reading it is cheap. The system gives numbers of processes again, after a restart at once. */
async function bornAt(pid: number): Promise<string> {
  if (process.platform !== "linux") return "";
  const stat = (await readFile(`/proc/${pid}/stat`, "utf8").catch(tolerate("ENOENT"))) ?? "";
  // the second field, the program's name, may hold blanks and brackets; state is the 3rd, start time the 22nd
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? "zombie" : (fields[19] ?? "gone");
}
