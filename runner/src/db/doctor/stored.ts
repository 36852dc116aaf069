import type { Database } from "../connect.ts";
import { type LegacyState, LOOK_AT_ROOT, type RootLook, stateOf } from "../legacy/state.ts";
import { currentNames, missingFirst } from "../schema/first-numbers.ts";
import { OBJECTS } from "../schema/requirements.ts";
import { APPLIED, listFiles, listPending } from "../schema/schema.ts";
import { judgeObjects, type ObjectRow } from "../schema/schema-objects.ts";
import { withReader } from "./reader.ts";

const HAS_LEDGER = `select to_regclass('r3a.migration') is not null as "hasLedger"`;

/** The migrations that only the program or only the database has, and the state of the old layout. */
export type SchemaState = {
  readonly pending: readonly string[];
  readonly unknown: readonly string[];
  readonly layout: LegacyState;
  /** One sentence for each object that differs from what the migrations make. */
  readonly faults: readonly string[];
};

export async function readSchema(db: Database, signal: AbortSignal): Promise<SchemaState> {
  const files = await listFiles();
  const [pending, state] = await Promise.all([
    listPending(db),
    withReader(db, signal, async (client) => {
      const look = await client.query<RootLook>(LOOK_AT_ROOT);
      const ledger = await client.query<{ hasLedger: boolean }>(HAS_LEDGER);
      const applied = ledger.rows[0]?.hasLedger ? (await client.query<{ name: string }>(APPLIED)).rows : [];
      const objects = await client.query<ObjectRow>(OBJECTS);
      return { look: look.rows[0], applied, objects: objects.rows };
    }),
  ]);
  const applied = state.applied.map(({ name }) => name);
  return {
    pending,
    unknown: currentNames(applied).filter((name) => !files.includes(name)),
    layout: stateOf(state.look, pending),
    // the table of objects knows the last state alone
    faults: missingFirst(applied).length > 0 ? [] : judgeObjects(state.objects, pending),
  };
}

/** The weight of a past minute does not count. Subtraction from an infinite time is an error before PostgreSQL 17. */
const LEFT_MS = (until: string) =>
  `(extract(epoch from least(greatest(${until}, clock_timestamp()), clock_timestamp() + interval '100 years') - clock_timestamp()) * 1000)::float8`;
const BUDGETS = `
  select egress_key, ${LEFT_MS("minute")} as minute_ahead_ms,
         case when minute = date_trunc('minute', clock_timestamp()) then used else 0 end as used,
         ${LEFT_MS("hold_until")} as hold_ms, ${LEFT_MS("firewall_until")} as firewall_ms, ${LEFT_MS("banned_until")} as banned_ms
  from r3a.api_budget order by egress_key`;

/**
 * The request budget of one address: the weight granted in this minute, and the rest of a hold (429, 403) or ban (418) in
 * ms, at most 100 years. The rest is 0 or a little less without a hold or ban.
 */
export type BudgetRow = {
  egress_key: string;
  minute_ahead_ms: number;
  used: number;
  hold_ms: number;
  firewall_ms: number;
  banned_ms: number;
};

export async function listBudgets(db: Database, signal: AbortSignal): Promise<readonly BudgetRow[]> {
  return withReader(db, signal, async (client) => (await client.query<BudgetRow>(BUDGETS)).rows);
}

/** The exchange that filled this database. Null if no candle was stored yet. */
export async function readOrigin(db: Database, signal: AbortSignal): Promise<string | null> {
  return withReader(db, signal, async (client) => {
    const { rows } = await client.query<{ exchange: string }>("select exchange from r3a.origin");
    return rows[0]?.exchange ?? null;
  });
}

/** What the database knows about one address of the exchange. `isOnly`: no other address is known. */
export type StoredSource = {
  readonly compared: number;
  readonly equal: number;
  readonly isCompared: boolean;
  readonly isOnly: boolean;
  readonly reason: string | null;
};

const SOURCE = `
  select s.compared, s.equal, s.compared_at is not null as "isCompared", s.accepted_reason as reason,
         not exists (select from r3a.exchange_source o where o.address <> s.address) as "isOnly"
  from r3a.exchange_source s where s.address = $1`;

/** Null if no candle came from the address. */
export async function readSource(
  db: Database,
  address: string,
  signal: AbortSignal,
): Promise<StoredSource | null> {
  return withReader(
    db,
    signal,
    async (client) => (await client.query<StoredSource>(SOURCE, [address])).rows[0] ?? null,
  );
}
