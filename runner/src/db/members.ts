import type pg from "pg";
import type { Coin } from "./coins.ts";
import { type Database, queryRows } from "./connect.ts";
import { type StoredTime, storedMs } from "./series-fault.ts";
import { msOf } from "./sql-time.ts";

/** A member of "the N largest"; times in ms. */
type Member = {
  readonly coinId: number;
  readonly enteredAt: number;
  readonly beyondSince: number | null;
};

type RankedCoin = { readonly coinId: number; readonly rank: number };

const RANKING = `select id as "coinId", volume_rank as rank from r3a.coin where volume_rank is not null order by volume_rank`;
/** A time after now, which only a wrong clock or a person writes, would keep every later ranking away. */
const RANKING_AGE = `
  select ${msOf("now() - max(ranked_at)")} as age from r3a.coin
  where volume_rank is not null and isfinite(ranked_at) and ranked_at <= now()`;

const MEMBERS = `
  select m.coin_id as "coinId", c.symbol, m.entered_at as "enteredAt", m.beyond_since as "beyondSince"
  from r3a.universe_member m join r3a.coin c on c.id = m.coin_id
  where m.size = $1 order by c.volume_rank nulls last, c.symbol`;
const SIZES = `select distinct size from r3a.universe_member`;
const DELETE_MEMBERS = `delete from r3a.universe_member where size = $1 and not coin_id = any($2::int[])`;
const UPSERT_MEMBERS = `
  insert into r3a.universe_member as m (size, coin_id, entered_at, beyond_since)
  select $1, "coinId", to_timestamp("enteredAt" / 1000.0), to_timestamp("beyondSince" / 1000.0)
  from jsonb_to_recordset($2) as u ("coinId" int, "enteredAt" bigint, "beyondSince" bigint)
  on conflict (size, coin_id) do update set beyond_since = excluded.beyond_since`;

/** Age of the ranking in ms, null where there is none. */
export async function findRankingAge(db: Database): Promise<number | null> {
  const rows = await queryRows<{ age: number | null }>(db, RANKING_AGE);
  return rows[0]?.age ?? null;
}

/** Members of the N largest, largest first. */
export async function listMembers(db: Database, size: number): Promise<readonly Coin[]> {
  const rows = await queryRows<Coin>(db, MEMBERS, [size]);
  return rows.map(({ coinId, symbol }) => ({ coinId, symbol }));
}

export async function listSizes(client: pg.PoolClient): Promise<readonly number[]> {
  const { rows } = await client.query<{ size: number }>(SIZES);
  return rows.map(({ size }) => size);
}

/** Replaces the members of one size by what `plan` makes of the ranking and the members so far. */
export async function replaceMembers(
  client: pg.PoolClient,
  size: number,
  plan: (ranking: readonly RankedCoin[], members: readonly Member[]) => readonly Member[],
): Promise<void> {
  const ranking = await client.query<RankedCoin>(RANKING);
  const stored = await client.query<Coin & { enteredAt: StoredTime; beyondSince: StoredTime }>(MEMBERS, [
    size,
  ]);
  const members = plan(
    ranking.rows,
    stored.rows.map(({ coinId, enteredAt, beyondSince }) => ({
      coinId,
      // NaN is a time that only a person can have written
      enteredAt: storedMs(enteredAt) || Date.now(),
      beyondSince: storedMs(beyondSince) || null,
    })),
  );
  await client.query(DELETE_MEMBERS, [size, members.map(({ coinId }) => coinId)]);
  await client.query(UPSERT_MEMBERS, [size, JSON.stringify(members)]);
}
