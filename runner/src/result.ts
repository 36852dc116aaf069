import type { Context } from "./context.ts";
import type { CommandName } from "./contract/commands.ts";

/**
 * The version of every result that `--json` prints. A new field does not raise the version. A field that is removed, or
 * that means something else, raises the version. The schemas are in docs/json.
 */
const RESULT_VERSION = 1;

/**
 * The result of a command as JSON, in one line: `version`, `command`, then the fields of `body`. Times are texts in
 * ISO 8601 (UTC), a length of time has its unit in its name, and all names are in camelCase.
 */
export function renderResult(command: CommandName, body: object): string {
  return `${write({ version: RESULT_VERSION, command, ...body })}\n`;
}

/** The same for a run that had to leave its work to somebody else, or had none: `skipped` has the reason. */
export function renderSkipped(command: CommandName, reason: string): string {
  return renderResult(command, { skipped: reason });
}

/**
 * The texts of a result with a list that may be long, for a program that has a part of the list at a time: together they
 * are one object, as `renderResult` makes it, with a line for each item.
 */
export function layList(command: CommandName, list: string) {
  let count = 0;
  return {
    begin: () => write({ version: RESULT_VERSION, command, [list]: [] }).slice(0, -2),
    /** The next items, each of them an object of JSON. */
    items(texts: readonly string[]): string {
      if (texts.length === 0) return "";
      count += texts.length;
      return `${count === texts.length ? "" : ","}\n${texts.join(",\n")}`;
    },
    /** Closes the list; the fields of `rest` follow it. */
    end(rest: object = {}): string {
      const fields = write(rest).slice(1, -1);
      return `${count === 0 ? "" : "\n"}]${fields === "" ? "" : `,${fields}`}}\n`;
    },
  };
}

/**
 * Prints such a result in the memory of one part. Nothing is printed before the first items: a command that fails before
 * prints nothing, and one that fails later leaves half an object, which no reader can take for a result.
 */
export function streamResult(
  context: Pick<Context, "print" | "printed">,
  command: CommandName,
  list: string,
): {
  /** Prints the items, and waits until the reader has taken what was printed. */
  readonly add: (items: readonly object[]) => Promise<void>;
  /** Closes the list and prints the fields that follow it. */
  readonly end: (rest?: object) => void;
} {
  const layout = layList(command, list);
  let begin = layout.begin();
  const print = (text: string) => {
    context.print(begin + text);
    begin = "";
  };
  return {
    async add(items) {
      if (items.length === 0) return;
      print(layout.items(items.map(write)));
      await context.printed();
    },
    end: (rest) => print(layout.end(rest)),
  };
}

/** An estimate with four digits, which says no more than an estimate can. */
export function roundEstimate(value: number): number {
  return Number(value.toPrecision(4));
}

/** A whole number that a double cannot hold exactly becomes a text, so that no reader gets another number. */
function write(value: object): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    const isInexact = typeof each === "number" && Number.isInteger(each) && !Number.isSafeInteger(each);
    return typeof each === "bigint" || isInexact ? String(each) : each;
  });
}
