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
 * Prints a result whose list may be long, part by part, in the memory of one part: the parts together are one object, as
 * `renderResult` makes it. Nothing is printed before the first part is full. A command that fails later leaves half an
 * object, which no reader can take for a result.
 */
export function streamResult(
  context: Pick<Context, "print" | "printed">,
  command: CommandName,
  list: string,
): {
  /** Prints the items, and waits until the reader has taken what was printed. */
  readonly add: (items: readonly object[]) => Promise<void>;
  /** Closes the list and prints the fields that follow. */
  readonly end: (rest?: object) => void;
} {
  const head = write({ version: RESULT_VERSION, command, [list]: [] }).slice(0, -2);
  let before = head;
  return {
    async add(items) {
      if (items.length === 0) return;
      context.print(`${before}${items.map(write).join(",")}`);
      before = ",";
      await context.printed();
    },
    end(rest = {}) {
      const fields = write(rest).slice(1, -1);
      context.print(`${before === head ? head : ""}]${fields === "" ? "" : `,${fields}`}}\n`);
    },
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
