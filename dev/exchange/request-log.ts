export type LoggedRequest = {
  /** Counts from 0 since the start. */
  readonly index: number;
  /** The exchange's clock, ms. */
  readonly at: number;
  readonly path: string;
  /** As sent, without the question mark. */
  readonly query: string;
  /** 0 until it is answered, and for ever where a fault leaves it without an answer. */
  readonly status: number;
  /** What it was charged. */
  readonly weight: number;
};

export type RequestLog = {
  readonly entries: readonly LoggedRequest[];
  /** Adds an entry; the function fills in how it ended. */
  readonly add: (at: number, path: string, query: string) => (status: number, weight: number) => void;
};

const kept = 100_000;

/** A log of at least the last 100,000 requests. */
export function createRequestLog(): RequestLog {
  const entries: { -readonly [Key in keyof LoggedRequest]: LoggedRequest[Key] }[] = [];
  let next = 0;
  return {
    entries,
    add: (at, path, query) => {
      const entry = { index: next++, at, path, query, status: 0, weight: 0 };
      entries.push(entry);
      // Cut rarely: moving 100,000 entries at every request would cost more than the answer.
      if (entries.length >= kept * 1.1) entries.splice(0, entries.length - kept);
      return (status, weight) => {
        entry.status = status;
        entry.weight = weight;
      };
    },
  };
}
