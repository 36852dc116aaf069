import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { type Answer, htmlAnswer, jsonAnswer } from "./answer.ts";
import type { RequestLog } from "./request-log.ts";
import type { SettingsChange, SettingsStore } from "./settings.ts";
import type { WeightLedger } from "./weight.ts";

export type Controlled = {
  readonly store: SettingsStore;
  readonly ledger: WeightLedger;
  readonly log: RequestLog;
};

function describeState({ store, ledger, log }: Controlled): Answer {
  const now = store.now();
  return jsonAnswer({
    now,
    ...store.current(),
    usedWeight: ledger.used(now),
    bannedUntil: ledger.bannedUntil(),
    requests: (log.entries.at(-1)?.index ?? -1) + 1,
    faults: store.faults().map(({ rule, left }) => ({ ...rule, left })),
  });
}

async function changeSettings(request: IncomingMessage, controlled: Controlled): Promise<Answer> {
  try {
    controlled.store.change(JSON.parse(await text(request)) as SettingsChange);
    return describeState(controlled);
  } catch (error) {
    if (error instanceof z.ZodError)
      return jsonAnswer({ error: `settings not valid: ${z.prettifyError(error)}` }, 400);
    if (error instanceof SyntaxError) return jsonAnswer({ error: error.message }, 400);
    throw error;
  }
}

/** Answers /control: state, changes, the log of requests; free of weight and faults. */
export async function answerControl(
  request: IncomingMessage,
  url: URL,
  controlled: Controlled,
): Promise<Answer> {
  const asked = `${request.method} ${url.pathname}`;
  if (asked === "GET /control") return describeState(controlled);
  if (asked === "POST /control") return changeSettings(request, controlled);
  if (asked === "GET /control/requests") {
    const since = Number(url.searchParams.get("since") ?? 0);
    return jsonAnswer(controlled.log.entries.filter((entry) => entry.index >= since));
  }
  if (asked === "DELETE /control/faults") {
    controlled.store.clearFaults();
    return describeState(controlled);
  }
  return htmlAnswer(404, "404 Not Found");
}
