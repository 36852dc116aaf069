export type LockWait = {
  /** Throws where another process holds the lock for longer; default 5 min. */
  readonly waitMs?: number;
  /** Called once, where another process has the lock. */
  readonly onWait?: (pid: number) => void;
};

/** Makes another process, by its number, the holder of the lock: the lock then stays while that process lives. */
export type HandTo = (pid: number) => Promise<void>;

/** Runs the action while this process alone holds the lock file; the lock of a dead process counts as none. */
export function withLock<T>(
  path: string,
  action: (handTo: HandTo) => Promise<T>,
  options?: LockWait,
): Promise<T>;

/** Whether a process of this number exists; whose it is and what it runs is another question. */
export function isAlive(pid: number): boolean;

/** For `.catch`: turns an error of this code into undefined and throws every other. */
export function tolerate(code: string): (error: unknown) => undefined;
