import cliProgress from "cli-progress";

/** Shows how far a long work is. `total` and `done` in candles; the total may be corrected as plans become exact. */
export type Progress = {
  start(total: number): void;
  advance(done: number): void;
  correct(difference: number): void;
  stop(): void;
};

const HIDDEN: Progress = { start() {}, advance() {}, correct() {}, stop() {} };

/** Work below this is over before a bar could be read. */
const SMALLEST_SHOWN = 2_000;

/** A bar with rate and ETA on the terminal (stderr); nothing where no person watches. */
export function createProgress(label: string, isTerminal: boolean): Progress {
  if (!isTerminal) return HIDDEN;
  const bar = new cliProgress.SingleBar({
    format: `${label} {bar} {percentage}% | {value}/{total} candles | {rate}/s | ETA {eta_formatted}`,
    hideCursor: true,
    clearOnComplete: true,
    etaBuffer: 50,
    barsize: 24,
    stream: process.stderr,
  });
  const startedAt = performance.now();
  let [total, done, isShown] = [0, 0, false];
  const resize = (next: number) => {
    total = Math.max(done, next);
    if (isShown) bar.setTotal(total);
    else if (total >= SMALLEST_SHOWN) bar.start(total, done, { rate: 0 });
    isShown ||= total >= SMALLEST_SHOWN;
  };
  return {
    start: resize,
    advance(step) {
      done += step;
      const rate = Math.round(done / ((performance.now() - startedAt) / 1000));
      if (isShown) bar.update(done, { rate });
    },
    correct: (difference) => resize(total + difference),
    stop() {
      if (isShown) bar.stop();
    },
  };
}
