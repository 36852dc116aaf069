import { expect, test } from "vitest";
import { ASKS_EXCHANGE, COMMANDS, type CommandName } from "../../runner/src/contract/commands.ts";
import { importsOf, runner } from "../support/sources.ts";

const imports = new Map(runner.map((file) => [file.path, importsOf(file)] as const));

/** Whether the file of a command imports the client of the exchange, by however many files. */
function reachesExchange(name: CommandName): boolean {
  const seen = new Set([`runner/src/commands/${name}.ts`]);
  for (const path of seen) for (const target of imports.get(path) ?? []) seen.add(target);
  return seen.has("runner/src/exchange/binance.ts");
}

test("the contract says of each command whether it asks the exchange, as its imports do", () => {
  const asking = COMMANDS.filter((name) => ASKS_EXCHANGE[name] !== false);
  expect(asking).toEqual(COMMANDS.filter(reachesExchange));
});
