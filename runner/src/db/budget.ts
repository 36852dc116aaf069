import { FARTHEST_MS } from "../contract/limits.ts";
import { type Database, queryRows, withClient } from "./connect.ts";
import { leftMs } from "./sql-time.ts";

const ms = (count: number) => `interval '${count} ms'`;

/**
 * All times are by the database's clock: it is the one clock that all processes share.
 * Weight that was granted late in a minute may reach the exchange in the next minute, so it counts in both ($6: late).
 * The minute of the row never goes back: a process whose clock is behind takes from the minute of the others. But an
 * impossible minute is forgotten with its count, which would only grow until that minute comes. Impossible is a minute
 * far ahead of this clock, and one that is over here and far ahead of the asking process (the exchange's clock was set
 * back). For the same reason a hold or a ban that another version of the program or a person wrote is cut to the
 * longest possible one. The commit does not wait for the disk: a crash of the server forgets a second of the count, and
 * otherwise every request would pay for the wait.
 */
const LEASE = `
  with asked as (
    select least(to_timestamp($2 / 1000.0), c.minute + ${ms(FARTHEST_MS.clock)}) as minute, c.minute as database_minute,
           set_config('synchronous_commit', 'off', true)
    from (select date_trunc('minute', clock_timestamp()) as minute) c
  ),
  stored as (
    select b.egress_key, b.used, b.used_late, a.minute as asked_minute,
           case when b.minute > a.database_minute + ${ms(FARTHEST_MS.clock)}
                  or (b.minute > a.minute + ${ms(FARTHEST_MS.clock)} and b.minute < a.database_minute - ${ms(FARTHEST_MS.clock)})
                then '-infinity' else b.minute end as minute,
           least(b.hold_until, clock_timestamp() + ${ms(FARTHEST_MS.hold)}) as hold_until,
           least(b.firewall_until, clock_timestamp() + ${ms(FARTHEST_MS.hold)}) as firewall_until,
           least(b.banned_until, clock_timestamp() + ${ms(FARTHEST_MS.ban)}) as banned_until
    from r3a.api_budget b, asked a where b.egress_key = $1 for update of b
  ),
  now_used as (
    select egress_key, hold_until, firewall_until, banned_until, greatest(minute, asked_minute) as minute,
           case when minute >= asked_minute then greatest(used, $3)
                when minute = asked_minute - interval '1 minute' then greatest(used_late, $3)
                else $3 end as used,
           case when minute >= asked_minute then used_late else 0 end as used_late
    from stored
  ),
  granting as (
    select *, case when greatest(hold_until, firewall_until, banned_until) > clock_timestamp() then 0
                   else greatest(0, least($4, $5 - used)) end as granted
    from now_used
  )
  update r3a.api_budget b set minute = g.minute, used = g.used + g.granted,
         used_late = g.used_late + case when $6 then g.granted else 0 end,
         hold_until = g.hold_until, firewall_until = g.firewall_until, banned_until = g.banned_until
  from granting g where b.egress_key = g.egress_key
  returning g.granted, ${leftMs("b.hold_until", "b.firewall_until")} as "holdMs", ${leftMs("b.banned_until")} as "bannedMs"`;

type LeaseRow = { granted: number; holdMs: number; bannedMs: number };

const ENSURE = `insert into r3a.api_budget (egress_key) values ($1) on conflict do nothing`;

const extend = (column: string) => `
  update r3a.api_budget set ${column} = greatest(${column}, clock_timestamp() + $2 * interval '1 ms') where egress_key = $1`;

/**
 * Kept apart from the holds of 429s, which say nothing about the firewall. The hold is doubled only when the last hold
 * is over: twenty requests in flight bring twenty 403s of one hold. A length that another version of the program or a
 * person wrote counts as the nearest possible one, 300 to 3600 s: the double of two thousand million is no integer, and
 * a length of 0 would hold nobody.
 */
const HOLD_BY_FIREWALL = `
  with next as (
    select egress_key, firewall_until > clock_timestamp() as is_running,
           case when firewall_until > clock_timestamp() then greatest(300, least(firewall_s, 3600))
                when firewall_until > clock_timestamp() - interval '1 hour' then 2 * greatest(300, least(firewall_s, 1800))
                else 300 end as seconds
    from r3a.api_budget where egress_key = $1 for update
  )
  update r3a.api_budget b set firewall_s = n.seconds,
    firewall_until = case when n.is_running then b.firewall_until
                          else clock_timestamp() + n.seconds * interval '1 second' end
  from next n where b.egress_key = n.egress_key returning b.firewall_s as "firewallS"`;

/** The request budget of one address in `r3a.api_budget`; all times in ms from now, minutes by the exchange's clock. */
export function openBudget(db: Database, egressKey: string) {
  return {
    async lease(ask: { wanted: number; minute: number; observed: number; limit: number; isLate: boolean }) {
      const values = [egressKey, ask.minute, ask.observed, ask.wanted, Math.floor(ask.limit), ask.isLate];
      return withClient(db, async (client) => {
        const lease = async () => (await client.query<LeaseRow>(LEASE, values)).rows[0];
        // the first process of an address finds no row yet
        const row = (await lease()) ?? (await client.query(ENSURE, [egressKey]).then(lease));
        if (row === undefined) throw new Error(`r3a.api_budget has no row for EGRESS_KEY ${egressKey}`);
        return row;
      });
    },
    async hold(ms: number) {
      await withClient(db, (client) => client.query(extend("hold_until"), [egressKey, ms]));
    },
    async ban(ms: number) {
      await withClient(db, (client) => client.query(extend("banned_until"), [egressKey, ms]));
    },
    async holdByFirewall() {
      const rows = await queryRows<{ firewallS: number }>(db, HOLD_BY_FIREWALL, [egressKey]);
      return (rows[0]?.firewallS ?? 0) * 1000;
    },
  };
}
