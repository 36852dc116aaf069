import { describe, expect, test } from "vitest";
import type { FaultRule } from "../../dev/exchange/faults.ts";
import type { KlineRow } from "../../dev/exchange/kline-text.ts";
import { ask, klines, minute, noon, start } from "../support/exchange/simulated.ts";

describe("faults", () => {
  const page = `startTime=${noon - 20 * minute}&limit=10`;
  const outcome = async (rule: FaultRule): Promise<unknown> => {
    const exchange = await start({ faults: [rule] });
    try {
      // a stall answers never, so the test need not wait for long
      const answer = await ask(exchange, klines(page), rule.kind.startsWith("stall") ? 500 : undefined);
      const text = await answer.text();
      return text.startsWith("[") && text.endsWith("]") ? JSON.parse(text) : [answer.status, text];
    } catch (error) {
      return error instanceof Error ? error.name : error;
    }
  };

  test.each(["500", "502", "503", "504", "403"] as const)("%s comes as HTML", async (kind) => {
    expect(await outcome({ kind })).toEqual([Number(kind), expect.stringContaining("<html>")]);
  });

  test.each([
    ["429", [429, expect.stringContaining("-1003")]],
    ["451", [451, expect.stringContaining("restricted location")]],
    ["garbage", [200, "<html>maintenance</html>"]],
    ["bad-json", [200, expect.stringMatching(/^\[\[.*[^\]]$/)]],
    ["stall-headers", "TimeoutError"],
    ["stall-body", "TimeoutError"],
    ["cut-body", "TypeError"],
    ["refuse", "TypeError"],
    ["empty", []],
  ] as const)("%s", async (kind, wanted) => {
    expect(await outcome({ kind })).toEqual(wanted);
  });

  test("418 bans every request for its time", async () => {
    const exchange = await start({
      faults: [{ kind: "418", times: 1, banMs: 5000, path: "/api/v3/klines" }],
    });
    expect((await ask(exchange, "/api/v3/ping")).status).toBe(200);
    expect(await (await ask(exchange, klines(page))).text()).toContain(`IP banned until ${noon + 5000}.`);
    expect((await ask(exchange, "/api/v3/ping")).status).toBe(418);
    exchange.resetWeight();
    expect((await ask(exchange, "/api/v3/ping")).status).toBe(200);
  });

  test("rows: twice, out of order, missing, poisoned, revised", async () => {
    const good = (await outcome({ kind: "500", symbol: "ETHUSDT" })) as KlineRow[];
    const openTime = good[3]?.[0] ?? 0;
    expect(await outcome({ kind: "duplicate" })).toHaveLength(12);
    const mixed = (await outcome({ kind: "unordered" })) as KlineRow[];
    expect(mixed).not.toEqual(good);
    expect(mixed.toSorted((left, right) => left[0] - right[0])).toEqual(good);
    expect(await outcome({ kind: "drop-rows", slots: [openTime] })).toEqual(good.toSpliced(3, 1));
    for (const kind of ["poison", "revise"] as const) {
      const changed = (await outcome({
        kind,
        rows: [{ openTime, field: 5, value: "-1.00000000" }],
      })) as KlineRow[];
      expect(changed[3]?.[5]).toBe("-1.00000000");
      expect(changed.toSpliced(3, 1)).toEqual(good.toSpliced(3, 1));
    }
  });

  test("conditions: symbol, interval, span, times, probability", async () => {
    const exchange = await start();
    const statusWith = async (rule: FaultRule): Promise<number> => {
      exchange.set({ faults: [rule] });
      return (await ask(exchange, klines(page))).status;
    };
    expect(await statusWith({ kind: "500", symbol: "BTCUSDT", interval: "1m", path: "/api/v3/k" })).toBe(500);
    expect(await statusWith({ kind: "500", interval: "1h" })).toBe(200);
    expect(await statusWith({ kind: "500", from: noon - 11 * minute })).toBe(500);
    expect(await statusWith({ kind: "500", from: noon - 10 * minute })).toBe(200);
    expect(await statusWith({ kind: "500", to: noon - 20 * minute })).toBe(200);
    exchange.set({ faults: [{ kind: "502", times: 2 }], seed: 7 });
    const statuses = async (count: number): Promise<number[]> => {
      const answers = [];
      for (let turn = 0; turn < count; turn++) answers.push((await ask(exchange, "/api/v3/ping")).status);
      return answers;
    };
    expect(await statuses(3)).toEqual([502, 502, 200]);
    exchange.set({ faults: [{ kind: "503", probability: 0.5 }], seed: 7 });
    const drawn = await statuses(20);
    exchange.set({ seed: 7 });
    expect(await statuses(20)).toEqual(drawn);
    expect(new Set(drawn).size).toBe(2);
  });
});
