const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const SAMPLE = new RegExp(
  `^(${NAME})(\\{${NAME}="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"(?:,${NAME}="(?:[^"\\\\\\n]|\\\\[\\\\"n])*")*\\})? (\\S+)$`,
);

/**
 * Reads the text format of Prometheus as strictly as its linter where we can break it: HELP and TYPE once before the
 * samples of each metric, all of them together, known type, no gauge that ends in _total or _count, no sample twice,
 * no time of its own. Returns the values by sample.
 */
export function parseProm(text: string): ReadonlyMap<string, number> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const values = new Map<string, number>();
  const families: string[] = [];
  let [helped, typed] = ["", ""];
  for (const line of text.slice(0, -1).split("\n")) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    const help = new RegExp(`^# HELP (${NAME}) \\S.*$`).exec(line);
    const type = new RegExp(`^# TYPE (${NAME}) (gauge|counter)$`).exec(line);
    const sample = SAMPLE.exec(line);
    if (help !== null) {
      helped = help[1] ?? "";
      if (families.includes(helped)) fail("a second HELP");
      families.push(helped);
    } else if (type !== null) {
      typed = type[1] ?? "";
      if (typed !== helped) fail("TYPE without its HELP");
      if (type[2] === "gauge" && /_(total|count|sum|bucket)$/.test(typed)) fail("no name for a gauge");
      if (type[2] === "counter" && !typed.endsWith("_total")) fail("no name for a counter");
    } else if (sample !== null) {
      const [, name = "", labels = "", value = ""] = sample;
      if (name !== typed || name !== helped) fail("a sample outside its metric");
      if (values.has(`${name}${labels}`)) fail("a second sample");
      if (!Number.isFinite(Number(value))) fail("no number");
      values.set(`${name}${labels}`, Number(value));
    } else fail("no line of the format");
  }
  return values;
}
