import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, htmlAnswer } from "./answer.ts";
import type { CandleSource } from "./candle-source.ts";
import { answerControl, type Controlled } from "./control.ts";
import { answerQuestion, weighRequest } from "./endpoints.ts";
import { damageRows, faultAnswer } from "./fault-answers.ts";
import { askedSpan, isWireFault, type MatchedFaults, matchFaults, type WireFault } from "./faults.ts";
import { minuteWidth } from "./interval.ts";
import type { Market } from "./market.ts";

export type ResponderParts = Controlled & { readonly market: Market; readonly source: CandleSource };

type Ending = MatchedFaults["ending"];

// These never reach the exchange itself, so they cost nothing.
const freeKinds = new Set<string>(["refuse", "403", "451", "418", "429"]);

function matchRequest(parts: ResponderParts, url: URL, now: number): MatchedFaults {
  const active = parts.store.faults();
  if (active.length === 0) return { ending: null, rows: [] };
  const { pathname: path, searchParams: query } = url;
  const span = path === "/api/v3/klines" ? askedSpan(query, now) : null;
  const target = { path, symbol: query.get("symbol"), interval: query.get("interval"), span };
  return matchFaults(active, target, parts.store.random);
}

function answerStatusFault(parts: ResponderParts, rule: NonNullable<Ending>, now: number): Answer | null {
  if (isWireFault(rule.kind)) return null;
  const { weightLimit: limit, banMs } = parts.store.current();
  const bannedUntil =
    now + (rule.banMs ?? (rule.retryAfterS === undefined ? banMs : rule.retryAfterS * 1000));
  if (rule.kind === "418") parts.ledger.ban(bannedUntil);
  const retryAt = (Math.floor(now / minuteWidth) + 1) * minuteWidth;
  return faultAnswer({ ...rule, kind: rule.kind }, { now, retryAt, bannedUntil, limit });
}

/** An answer, the weight that the address has used in this minute, and the exchange's time in ms. */
type Reply = { readonly answer: Answer; readonly used: number; readonly now: number };

function write(response: ServerResponse, { answer, used, now }: Reply): void {
  response.sendDate = false;
  response.writeHead(answer.status, {
    "Content-Type": answer.type,
    "Content-Length": answer.body.length,
    Date: new Date(now).toUTCString(),
    "X-MBX-USED-WEIGHT": used,
    "X-MBX-USED-WEIGHT-1M": used,
    "X-R3A-Simulated": 1,
    ...answer.headers,
  });
}

/** Sends the answer, or what a wire fault leaves of it; gives whether it was sent whole. */
function send(response: ServerResponse, reply: Reply, wire: WireFault | null): boolean {
  const { answer } = reply;
  const half = answer.body.subarray(0, Math.max(1, answer.body.length >> 1));
  if (wire === "stall-headers") return false;
  if (wire === "bad-json") {
    write(response, { ...reply, answer: { ...answer, body: half } });
    response.end(half);
    return true;
  }
  write(response, reply);
  if (wire === "stall-body") response.write(half);
  else if (wire === "cut-body") response.write(half, () => response.destroy());
  else response.end(answer.body);
  return true;
}

type Asked = {
  readonly url: URL;
  readonly faults: MatchedFaults;
  readonly weight: number;
  readonly now: number;
};

/** The function that answers every request of the server. */
export function createResponder(
  parts: ResponderParts,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { store, ledger, log } = parts;

  function answerMarket({ url, faults, weight, now }: Asked): Answer {
    const refused = weight > 0 ? ledger.charge(weight, now, store.current()) : ledger.checkBan(now);
    if (refused) return refused;
    const failed = faults.ending && answerStatusFault(parts, faults.ending, now);
    if (failed) return failed;
    const { pathname: path, searchParams: query } = url;
    const { market, source } = parts;
    const { weightLimit } = store.current();
    const answer = answerQuestion({ path, query, market, source, now, weightLimit });
    return damageRows(answer, faults.rows, store.random);
  }

  return async (request, response) => {
    const url = new URL(request.url ?? "/", "http://exchange");
    if (url.pathname === "/control" || url.pathname.startsWith("/control/")) {
      const answer = await answerControl(request, url, parts);
      const now = store.now();
      send(response, { answer, used: ledger.used(now), now }, null);
      return;
    }
    const logged = log.add(store.now(), url.pathname, url.search.slice(1));
    const { latencyMs } = store.current();
    if (latencyMs > 0) await sleep(latencyMs);
    if (response.destroyed) return;
    const now = store.now();
    const banned = ledger.checkBan(now) !== null;
    // A banned address meets the ban alone: rules must not be used up by requests they cannot reach.
    const faults = banned ? { ending: null, rows: [] } : matchRequest(parts, url, now);
    const kind = faults.ending?.kind ?? null;
    const weight = banned || (kind && freeKinds.has(kind)) ? 0 : weighRequest(url.pathname, url.searchParams);
    if (kind === "refuse") {
      request.socket.destroy();
      return;
    }
    const answer =
      request.method === "GET"
        ? answerMarket({ url, faults, weight, now })
        : htmlAnswer(404, "404 Not Found");
    const reply = { answer, used: ledger.used(now), now };
    const sent = send(response, reply, kind && isWireFault(kind) ? kind : null);
    logged(sent ? answer.status : 0, weight);
  };
}
