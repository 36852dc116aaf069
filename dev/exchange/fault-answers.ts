import { type Answer, bannedAnswer, htmlAnswer, jsonAnswer, tooManyAnswer } from "./answer.ts";
import type { FaultRule, StatusFault } from "./faults.ts";

type Row = (string | number | null)[];

function shuffle(rows: Row[], random: () => number): void {
  for (let at = rows.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    const [left, right] = [rows[at] ?? [], rows[other] ?? []];
    rows[at] = right;
    rows[other] = left;
  }
  // A shuffle may leave every row in its place, and the fault would not show.
  if (rows.every((row, at) => at === 0 || Number(rows[at - 1]?.[0]) < Number(row[0]))) rows.reverse();
}

function damage(rows: Row[], rule: FaultRule, random: () => number): Row[] {
  if (rule.kind === "empty") return [];
  if (rule.kind === "duplicate") return rows.flatMap((row, at) => (at % 7 === 0 ? [row, row] : [row]));
  if (rule.kind === "drop-rows") return rows.filter((row) => !rule.slots?.includes(Number(row[0])));
  if (rule.kind === "unordered") {
    shuffle(rows, random);
    return rows;
  }
  for (const row of rows) {
    // Compared before any field changes, since the open time itself may be poisoned.
    const open = row[0];
    for (const change of rule.rows ?? []) if (change.openTime === open) row[change.field] = change.value;
  }
  return rows;
}

/** A klines answer after the row faults; any other answer comes back as it is. */
export function damageRows(answer: Answer, rules: readonly FaultRule[], random: () => number): Answer {
  if (rules.length === 0 || answer.status !== 200) return answer;
  let rows = JSON.parse(answer.body.toString()) as Row[];
  for (const rule of rules) rows = damage(rows, rule, random);
  return { ...answer, body: Buffer.from(JSON.stringify(rows)) };
}

const htmlTitles: Readonly<Record<string, string>> = {
  "403": "403 Forbidden",
  "500": "500 Internal Server Error",
  "502": "502 Bad Gateway",
  "503": "503 Service Temporarily Unavailable",
  "504": "504 Gateway Time-out",
};

/** The answer of a status fault. `retryAt` is the end of the exchange's minute, `bannedUntil` the ban's (ms). */
export function faultAnswer(
  rule: FaultRule & { kind: StatusFault },
  at: {
    readonly now: number;
    readonly retryAt: number;
    readonly bannedUntil: number;
    readonly limit: number;
  },
): Answer {
  const { kind, retryAfterS } = rule;
  const headers = retryAfterS === undefined ? {} : { "Retry-After": String(retryAfterS) };
  if (kind === "418") return withHeaders(bannedAnswer(at.bannedUntil, at.now), headers);
  if (kind === "429") return withHeaders(tooManyAnswer(at.limit, at.retryAt, at.now), headers);
  if (kind === "451") {
    const msg =
      "Service unavailable from a restricted location according to 'b. Eligibility' in https://www.binance.com/en/terms. Please contact customer service if you believe you received this message in error.";
    return jsonAnswer({ code: 0, msg }, 451, headers);
  }
  if (kind === "garbage")
    return { status: 200, type: "text/html", body: Buffer.from("<html>maintenance</html>") };
  return htmlAnswer(Number(kind), htmlTitles[kind] ?? kind, headers);
}

function withHeaders(answer: Answer, headers: Record<string, string>): Answer {
  return { ...answer, headers: { ...answer.headers, ...headers } };
}
