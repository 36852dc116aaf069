import { renderDuration } from "./time.ts";

/**
 * What this process waits for at the moment. There is one list for the whole process, since the process ends as a
 * whole: the message about its end says what was under way, and who held it up.
 */
type Waiting = { readonly what: () => string; readonly since: number };

const waiting = new Set<Waiting>();
/** At most so many are named, the oldest first: a person reads a sentence, and the oldest ones explain most. */
const SHOWN = 4;

/**
 * Notes that the process waits for something; the returned function ends the note. `what` is called only when the list
 * is shown.
 */
export function begin(what: () => string): () => void {
  const entry = { what, since: performance.now() };
  waiting.add(entry);
  return () => {
    waiting.delete(entry);
  };
}

/** Notes that the process waits for this promise. */
export async function during<T>(what: () => string, work: Promise<T>): Promise<T> {
  const end = begin(what);
  try {
    return await work;
  } finally {
    end();
  }
}

/** `update r3a.api_budget ... for 12 s: ...; ...`, the oldest first; null where nothing is waited for. */
export function describeUnderWay(now = performance.now()): string | null {
  const all = [...waiting].toSorted((a, b) => a.since - b.since);
  if (all.length === 0) return null;
  const shown = all.slice(0, SHOWN).map(({ what, since }) => `${what()}, for ${renderDuration(now - since)}`);
  return all.length > SHOWN ? `${shown.join("; ")}; and ${all.length - SHOWN} more` : shown.join("; ");
}
