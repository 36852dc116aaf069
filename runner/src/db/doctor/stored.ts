import type { Database } from "../connect.ts";
import { type LegacyState, LOOK_AT_ROOT, type RootLook, stateOf } from "../legacy/state.ts";
import { onlyRow } from "../only-row.ts";
import { currentNames, missingFirst } from "../schema/first-numbers.ts";
import { OBJECTS } from "../schema/requirements.ts";
import { findLoading, type Loading } from "../schema/restore-gate.ts";
import { APPLIED, listFiles, listPending } from "../schema/schema.ts";
import { judgeObjects, type ObjectRow } from "../schema/schema-objects.ts";
import { leftMs } from "../sql-time.ts";
import { readRows, withReader } from "./reader.ts";

const HAS_LEDGER = `select to_regclass('r3a.migration') is not null as "hasLedger"`;

/** The migrations that only the program or only the database has, and the state of the old layout. */
export type SchemaState = {
  readonly pending: readonly string[];
  readonly unknown: readonly string[];
  readonly layout: LegacyState;
  /** How far a restore of the whole database is; null where none is under way. */
  readonly loading: Loading | null;
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
      return {
        look: onlyRow(look.rows),
        applied,
        objects: objects.rows,
        loading: await findLoading(client),
      };
    }),
  ]);
  const applied = state.applied.map(({ name }) => name);
  return {
    pending,
    unknown: currentNames(applied).filter((name) => !files.includes(name)),
    layout: stateOf(state.look, pending),
    loading: state.loading,
    // the table of objects knows the last state alone
    faults: missingFirst(applied).length > 0 ? [] : judgeObjects(state.objects, pending),
  };
}

/** The weight of a past minute does not count. The subtraction from infinity is an error before PostgreSQL 17. */
const boundedLeftMs = (until: string) => leftMs(`least(${until}, clock_timestamp() + interval '100 years')`);
const BUDGETS = `
  select egress_key as "egressKey", ${boundedLeftMs("minute")} as "minuteAheadMs",
         case when minute = date_trunc('minute', clock_timestamp()) then used else 0 end as used,
         ${boundedLeftMs("hold_until")} as "holdMs", ${boundedLeftMs("firewall_until")} as "firewallMs",
         ${boundedLeftMs("banned_until")} as "bannedMs"
  from r3a.api_budget order by egress_key`;

/**
 * The request budget of one address: the weight granted in this minute, and the rest of a hold (429, 403) or ban (418) in
 * ms, at most 100 years, 0 without a hold or ban.
 */
export type BudgetRow = {
  egressKey: string;
  minuteAheadMs: number;
  used: number;
  holdMs: number;
  firewallMs: number;
  bannedMs: number;
};

export async function listBudgets(db: Database, signal: AbortSignal): Promise<readonly BudgetRow[]> {
  return readRows(db, signal, BUDGETS);
}

const ORIGIN = "select exchange from r3a.origin";

/** The exchange that filled this database. Null if no candle was stored yet. */
export async function readOrigin(db: Database, signal: AbortSignal): Promise<string | null> {
  const [row] = await readRows<{ exchange: string }>(db, signal, ORIGIN);
  return row?.exchange ?? null;
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
  const [source] = await readRows<StoredSource>(db, signal, { text: SOURCE, values: [address] });
  return source ?? null;
}
