import { messageOf } from "../errors.ts";
import type { Status } from "../status.ts";
import { type Cure, cureOf, StoreFault, type StoreFaultKind } from "../store/fault.ts";
import { lookAtFolder } from "../store/folder-look.ts";
import { STORE_CLOCK_MS, type Store } from "../store/store.ts";
import { renderDuration } from "../time.ts";

export type StepName = "list" | "write" | "read" | "overwrite" | "rights" | "room" | "delete" | "clock";

/** `output`: one sentence. `cure`: what helps where the step failed; null: it did not. */
export type CheckedStep = {
  readonly name: StepName;
  readonly status: Status;
  readonly output: string;
  readonly cure: Cure | null;
};

/** A fresh month of 1m of 60 symbols has some hundred MB as it is stored. */
const LEAST_ROOM = 1e9;
const MAY_DELETE =
  "who writes backups there may delete them too, so a stolen key or a fault can take all of them:";
/** What to do about it; a folder knows no right to write without that to delete. */
const KEEP = {
  folder: "have one more tier in S3, with locked objects, or a copy that another user makes",
  s3: "lock the objects, or give the writer a key without s3:DeleteObject",
} as const;

export const stepOf = (name: StepName, status: Exclude<Status, "fail">, output: string): CheckedStep => ({
  ...{ name, status, output },
  cure: null,
});

/** A step that passes with the sentence of `work`, and fails with the fault of the store that it ends with. */
export async function stepBy(name: StepName, work: () => Promise<string>): Promise<CheckedStep> {
  try {
    return stepOf(name, "pass", await work());
  } catch (error) {
    if (!(error instanceof StoreFault)) throw error;
    return { name, status: "fail", output: messageOf(error), cure: cureOf(error) };
  }
}

/** The kind of the fault of the store that a call ends with; null: it ends well. */
export async function kindOf(work: Promise<unknown>): Promise<StoreFaultKind | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (error instanceof StoreFault) return error.kind;
    throw error;
  }
}

type Probe = {
  readonly place: keyof typeof KEEP;
  readonly key: string;
  readonly leftovers: readonly string[];
};

/** Tries to delete the probe, and where that is allowed `leftovers` too. */
export async function tryDelete(
  store: Store,
  { place, key, leftovers }: Probe,
  signal: AbortSignal,
): Promise<CheckedStep> {
  let isGone = false;
  const step = await stepBy("delete", async () => {
    const kind = await kindOf(store.remove(key, signal));
    if (kind === "denied") return `deletes are refused; ${key} stays there`;
    if (kind !== null) await store.remove(key, signal); // once more, for its message
    isGone = (await store.head(key, signal)) === null;
    return `${key} stays there, though its delete was answered`;
  });
  if (!isGone || step.status !== "pass") return step;
  for (const each of leftovers) await kindOf(store.remove(each, signal));
  return stepOf("delete", "warn", `${MAY_DELETE} ${KEEP[place]}`);
}

/** Who else may look into the folder `path`, by its own rights and those of the probe, and how much room it has. */
export async function lookAtPlace(
  { tier, address }: Store,
  { path, key }: { readonly path: string; readonly key: string },
  signal: AbortSignal,
): Promise<readonly CheckedStep[]> {
  let freeBytes = 0;
  let open: readonly string[] = [];
  const step = await stepBy("rights", async () => {
    ({ open, freeBytes } = await lookAtFolder(path, { tier, address, key }, signal));
    return "no other user sees what lies there";
  });
  if (step.status !== "pass") return [step];
  const room = `${(freeBytes / 1e9).toFixed(1)} GB are free`;
  return [
    open.length === 0 ? step : stepOf("rights", "warn", open.join("; ")),
    freeBytes >= LEAST_ROOM
      ? stepOf("room", "pass", room)
      : stepOf("room", "warn", `${room}: make room there, or give the tier a larger disk`),
  ];
}

/** `aheadMs`: this machine's clock minus the store's; null: the store has none. */
export function judgeClock(aheadMs: number | null): readonly CheckedStep[] {
  if (aheadMs === null) return [];
  const skew = Math.abs(aheadMs);
  if (skew < STORE_CLOCK_MS.warn)
    return [stepOf("clock", "pass", "this machine's clock and the store's agree")];
  const output = `this machine's clock is ${renderDuration(skew)} ${aheadMs > 0 ? "ahead of" : "behind"} the store's: set both by NTP (timedatectl, chronyc), since at 15 min the store refuses every request`;
  if (skew < STORE_CLOCK_MS.fail) return [stepOf("clock", "warn", output)];
  return [{ name: "clock", status: "fail", output, cure: "later" }];
}
