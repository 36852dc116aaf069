import { METRICS, type MetricName } from "../../contract/metrics.ts";
import type { CheckName, CheckResult, HealthReport } from "../report.ts";

type Sample = {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | null | undefined;
};

/**
 * The report in the text format of Prometheus, for the textfile collector (write to another name, then rename). All
 * metrics are gauges. They hold moments instead of ages, because a moment stays right while nobody measures. Each limit
 * is a metric too. A value that was not measured has no sample.
 */
export function renderProm(report: HealthReport): string {
  return Object.entries(samplesOf(report))
    .map(([name, samples]) => {
      const lines = samples
        .filter(({ value }) => typeof value === "number")
        .map(({ labels, value }) => `${name}${renderLabels(labels)} ${value}\n`);
      const help = METRICS[name as MetricName];
      return lines.length === 0 ? "" : `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join("")}`;
    })
    .join("");
}

function samplesOf({ now, away, results }: HealthReport): Readonly<Record<MetricName, readonly Sample[]>> {
  const of = (check: CheckName) => results.filter((result) => result.check === check);
  const measured = (check: CheckName) =>
    of(check).filter(({ status }) => status !== "error" && status !== "skip");
  const seconds = (ms: number | null) => (ms === null ? null : ms / 1000);
  const each = (
    list: readonly CheckResult[],
    label: string,
    read: (result: CheckResult) => number | null | undefined,
  ): readonly Sample[] =>
    list.map((result) => ({ labels: { [label]: result.component }, value: read(result) }));
  const limits = (list: readonly CheckResult[], label: string | null): readonly Sample[] =>
    list.flatMap(({ component, criteria }) =>
      [["warning", criteria.warn] as const, ["error", criteria.fail] as const].map(([level, value]) => ({
        labels: { ...(label === null ? {} : { [label]: component }), level },
        value,
      })),
    );
  const isOk = ({ status }: CheckResult) => (status === "pass" || status === "warn" ? 1 : 0);
  const database = measured("size").filter(({ component }) => component === "database");
  const records = measured("size").filter(({ component }) => component !== "database");
  const integrity = measured("integrity");
  const gaps = integrity.filter(({ component }) => component === "gaps");
  return {
    ohlcv_db_up: [{ labels: {}, value: away === null ? 1 : 0 }],
    ohlcv_health_check_ok: results
      .filter(({ status }) => status !== "skip")
      .map((result) => ({
        labels: { check: result.check, component: result.component },
        value: isOk(result),
      })),
    ohlcv_health_check_timestamp_seconds: [{ labels: {}, value: now / 1000 }],
    ohlcv_last_candle_timestamp_seconds: each(measured("freshness"), "interval", ({ at }) => seconds(at)),
    ohlcv_freshness_limit_seconds: limits(measured("freshness"), "interval"),
    ohlcv_symbols_succeeded: each(measured("coverage"), "interval", ({ observed }) => observed),
    ohlcv_symbols_expected: each(measured("coverage"), "interval", ({ criteria }) => criteria.expected),
    ohlcv_db_integrity_ok: each(integrity, "check", isOk),
    ohlcv_db_integrity_last_check_timestamp_seconds:
      integrity.length === 0 ? [] : [{ labels: {}, value: now / 1000 }],
    ohlcv_gaps: gaps.flatMap(({ observed, criteria }) => [
      { labels: { state: "open" }, value: observed },
      { labels: { state: "not_requested" }, value: criteria.notRequested },
    ]),
    ohlcv_db_size_bytes: database.map(({ observed }) => ({ labels: {}, value: observed })),
    ohlcv_db_size_limit_bytes: limits(database, null),
    ohlcv_db_records: each(records, "interval", ({ observed }) => observed),
    ohlcv_last_sync_timestamp_seconds: each(measured("activity"), "job_name", ({ at }) => seconds(at)),
    ohlcv_last_sync_limit_seconds: each(measured("activity"), "job_name", ({ criteria }) => criteria.fail),
  };
}

function renderLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
