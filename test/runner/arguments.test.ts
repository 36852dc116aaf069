import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { renderArguments, splitArguments } from "../../runner/src/db/runs.ts";

test("arguments of the ledger are the words of a shell", () => {
  const text = renderArguments(["1m"], {
    "--symbols": ["BTCUSDT", "币安人生USDT"],
    "--lookback": "1 day",
    "--top": 20,
    "--all": true,
    "--strict": false,
    "--to": null,
  });
  expect(text).toBe("1m --symbols BTCUSDT,币安人生USDT --lookback '1 day' --top 20 --all");
  expect(splitArguments(text)).toEqual([
    ...["1m", "--symbols", "BTCUSDT,币安人生USDT"],
    ...["--lookback", "1 day", "--top", "20", "--all"],
  ]);
});

test("whatever an option holds comes out of a shell, and of splitArguments, as it went in", () => {
  const value = fc.string({ minLength: 1, unit: "grapheme" }).filter((text) => !/[\0\n\r]/.test(text));
  const odd = fc.constantFrom("it's", "''", "a\\b", "$HOME", "`id`", "a b", '"', "*", "\\'");
  fc.assert(
    fc.property(fc.array(fc.oneof(value, odd), { maxLength: 5 }), (words) => {
      expect(splitArguments(renderArguments(words))).toEqual(words);
    }),
  );
  const words = ["it's", "a b", "$HOME", "`id`", "\\", "", "*"];
  const printed = execFileSync("sh", ["-c", `printf '%s\\n' ${renderArguments(words)}`], {
    encoding: "utf8",
  });
  expect(printed.split("\n").slice(0, -1)).toEqual(words);
});
