import cliProgress from "cli-progress";

/**
 * Shows how far a long work is. `total` and `done` are in the unit of the work; the total may be corrected when plans
 * become exact.
 */
export type Progress = {
  start(total: number): void;
  advance(done: number): void;
  correct(difference: number): void;
  stop(): void;
};

const HIDDEN: Progress = { start() {}, advance() {}, correct() {}, stop() {} };

/** What is counted, and the least total that is shown: less is over before a person could read the bar. */
const SMALLEST_SHOWN = { candles: 2_000, operations: 5, tables: 5, leaves: 2, series: 5 };

/** A bar with rate and ETA on the terminal; nothing where no person watches (null). */
export function createProgress(
  label: string,
  terminal: NodeJS.WritableStream | null,
  unit: keyof typeof SMALLEST_SHOWN = "candles",
): Progress {
  if (terminal === null) return HIDDEN;
  const bar = new cliProgress.SingleBar({
    format: `${label} {bar} {percentage}% | {value}/{total} ${unit} | {rate}/s | ETA {eta_formatted}`,
    hideCursor: true,
    clearOnComplete: true,
    etaBuffer: 50,
    barsize: 24,
    stream: terminal,
  });
  const startedAt = performance.now();
  let [total, done, isShown] = [0, 0, false];
  const resize = (next: number) => {
    total = Math.max(done, next);
    if (isShown) bar.setTotal(total);
    else if (total >= SMALLEST_SHOWN[unit]) bar.start(total, done, { rate: 0 });
    isShown ||= total >= SMALLEST_SHOWN[unit];
  };
  return {
    start: resize,
    advance(step) {
      done += step;
      const perSecond = done / ((performance.now() - startedAt) / 1000);
      const rate = unit === "candles" ? Math.round(perSecond) : perSecond.toFixed(1);
      if (isShown) bar.update(done, { rate });
    },
    correct: (difference) => resize(total + difference),
    stop() {
      if (isShown) bar.stop();
      isShown = false;
    },
  };
}
