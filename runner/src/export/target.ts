import { constants } from "node:fs";
import { access, lstat, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { Context } from "../context.ts";
import { messageOf, UsageFault } from "../errors.ts";
import { renderNumber } from "../render.ts";

/** Where a result goes. `finish` or `abandon` ends it. */
export type Target = {
  readonly write: (text: string) => Promise<void>;
  /** `rows`: how many were written. */
  readonly finish: (rows: number) => Promise<void>;
  /** After `finish` it does nothing. */
  readonly abandon: () => Promise<void>;
};

/** A person does not notice this delay of Ctrl-C. A turn after each part costs a large csv half its time. */
const TURN_MS = 50;

/**
 * stdout. Where it is a pipe or a terminal, writing blocks the whole process until the reader has taken the text, so
 * between two parts a signal and the news that the reader is gone get their turn.
 */
export function targetStdout(context: Context): Target {
  let turnedAt = performance.now();
  return {
    async write(text) {
      context.print(text);
      await context.printed();
      if (performance.now() - turnedAt < TURN_MS) return;
      await turn();
      turnedAt = performance.now();
      context.signal.throwIfAborted();
    },
    async finish() {},
    async abandon() {},
  };
}

/**
 * A file that gets its name when it is whole: until then its text is in a file beside it, and what has the name stays as it
 * is. A file that is replaced keeps its mode, and a link still leads to it.
 */
export async function targetFile(path: string, context: Context): Promise<Target> {
  try {
    return await openBeside(path, context);
  } catch (error) {
    throw new UsageFault([`--output ${path} cannot be written: ${messageOf(error)}`]);
  }
}

/** Why no file can be made in the folder. The error itself names the file beside, which nobody asked for. */
function describeFolder(folder: string, { code, message }: NodeJS.ErrnoException): string {
  if (code === "ENOENT") return `the folder ${folder} does not exist; make it first`;
  if (code === "ENOTDIR") return `${folder} is no folder`;
  return `no file can be made in ${folder}: ${message.split(", ")[0]}`;
}

async function openBeside(path: string, { runId, terminal, log }: Context): Promise<Target> {
  const old = await stat(path).catch(() => null);
  if (old !== null && !old.isFile()) throw new Error("it is no regular file; for stdout say -o -");
  if (old !== null) await access(path, constants.W_OK);
  const isLink = (await lstat(path).catch(() => null))?.isSymbolicLink() === true;
  const name = isLink && old !== null ? await realpath(path) : path;
  const beside = join(dirname(name), `.${basename(name)}.${runId}.tmp`);
  const file = await open(beside, "wx").catch((error: NodeJS.ErrnoException) => {
    throw new Error(describeFolder(dirname(name), error)); // with its cause the message would name `beside`
  });
  let isOpen = true;
  const close = async () => {
    if (isOpen) await file.close();
    isOpen = false;
  };
  const orFault = (work: Promise<void>) =>
    work.catch((error: unknown) => {
      throw new Error(`${path} could not be written, and is as it was: ${messageOf(error)}`, {
        cause: error,
      });
    });
  if (old !== null) await file.chmod(old.mode & 0o7777);
  const moveIn = async () => {
    await file.sync();
    await close();
    await rename(beside, name);
    const folder = await open(dirname(name), "r");
    await folder.sync().finally(() => folder.close());
  };
  return {
    write: (text) => orFault(file.writeFile(text)),
    async finish(rows) {
      await orFault(moveIn());
      const text = `${renderNumber(rows)} candles written to ${path}`;
      // a terminal shows nothing of the log below warnings
      if (terminal === null) log.info({ "event.name": "candles_written", rows, path }, text);
      else terminal.write(`${text}\n`);
    },
    async abandon() {
      await close().catch(() => {}); // the first error says why
      await rm(beside, { force: true });
    },
  };
}
