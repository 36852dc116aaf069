import type { CheckName, CheckResult, HealthReport } from "../report.ts";

type Sample = {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | null | undefined;
};
type Family = { readonly name: string; readonly help: string; readonly samples: readonly Sample[] };

/**
 * The report in the text format of Prometheus, for the textfile collector (write to another name, then rename): only
 * gauges, moments instead of ages since they stay right while nobody measures, and the limits beside what they limit.
 * What was not measured has no sample.
 */
export function renderProm(report: HealthReport): string {
  return listFamilies(report)
    .map((family) => ({
      ...family,
      samples: family.samples.filter(({ value }) => typeof value === "number"),
    }))
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, help, samples }) => {
      const lines = samples.map(({ labels, value }) => `${name}${renderLabels(labels)} ${value}`);
      return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join("\n")}\n`;
    })
    .join("");
}

function listFamilies({ now, away, results }: HealthReport): readonly Family[] {
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
  return [
    {
      name: "ohlcv_db_up",
      help: "Whether the database answered.",
      samples: [{ labels: {}, value: away === null ? 1 : 0 }],
    },
    {
      name: "ohlcv_health_check_ok",
      help: "Whether the check passed or only warned; 0 also where it could not be measured.",
      samples: results
        .filter(({ status }) => status !== "skip")
        .map((result) => ({
          labels: { check: result.check, component: result.component },
          value: isOk(result),
        })),
    },
    {
      name: "ohlcv_health_check_timestamp_seconds",
      help: "When health was measured.",
      samples: [{ labels: {}, value: now / 1000 }],
    },
    {
      name: "ohlcv_last_candle_timestamp_seconds",
      help: "Close time of the newest closed candle over all active symbols.",
      samples: each(measured("freshness"), "interval", ({ at }) => seconds(at)),
    },
    {
      name: "ohlcv_freshness_limit_seconds",
      help: "Age of the newest close at which the interval warns and fails.",
      samples: limits(measured("freshness"), "interval"),
    },
    {
      name: "ohlcv_symbols_succeeded",
      help: "Symbols whose own newest close is fresh enough.",
      samples: each(measured("coverage"), "interval", ({ observed }) => observed),
    },
    {
      name: "ohlcv_symbols_expected",
      help: "Symbols that have to be fresh.",
      samples: each(measured("coverage"), "interval", ({ criteria }) => criteria.expected),
    },
    {
      name: "ohlcv_db_integrity_ok",
      help: "Whether this part of the light integrity check found no fault.",
      samples: each(integrity, "check", isOk),
    },
    {
      name: "ohlcv_db_integrity_last_check_timestamp_seconds",
      help: "When the light integrity check was last measured.",
      samples: integrity.length === 0 ? [] : [{ labels: {}, value: now / 1000 }],
    },
    {
      name: "ohlcv_db_size_bytes",
      help: "Size of the database.",
      samples: database.map(({ observed }) => ({ labels: {}, value: observed })),
    },
    {
      name: "ohlcv_db_size_limit_bytes",
      help: "Sizes of the database at which health warns and fails.",
      samples: limits(database, null),
    },
    {
      name: "ohlcv_db_records",
      help: "Stored candles by the statistics of the server.",
      samples: each(records, "interval", ({ observed }) => observed),
    },
    {
      name: "ohlcv_last_sync_timestamp_seconds",
      help: "End of the last run of the job that ended well.",
      samples: each(measured("activity"), "job_name", ({ at }) => seconds(at)),
    },
    {
      name: "ohlcv_last_sync_limit_seconds",
      help: "Age of the last run that ended well at which the job fails.",
      samples: each(measured("activity"), "job_name", ({ criteria }) => criteria.fail),
    },
  ];
}

function renderLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
