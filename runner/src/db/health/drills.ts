import type { DrillVerdict } from "../../contract/drill-verdicts.ts";
import type { Tier } from "../../contract/tiers.ts";
import type { Reader } from "../session.ts";
import { msOf } from "../sql-time.ts";

/** The last drill of a tier. `finishedAt` in ms; `fault`: the first of its faults, null where there is none. */
export type TierDrill = {
  readonly tier: Tier;
  readonly verdict: DrillVerdict;
  readonly finishedAt: number;
  readonly fault: string | null;
  /** When a drill of the tier last passed, in ms; null: none did. */
  readonly passedAt: number | null;
};

/** The tiers are in the order of their distance. */
const LIST_TIER_DRILLS = `
  select d.tier, d.verdict, ${msOf("d.finished_at")} as "finishedAt", d.faults[1] as fault,
         (select ${msOf("max(p.finished_at)")} from r3a.drill p where p.tier = d.tier and p.verdict = 'passed') as "passedAt"
  from (select distinct on (tier) * from r3a.drill order by tier, finished_at desc) d
  order by array_position(array['hot', 'warm', 'cold'], d.tier)`;

export async function listTierDrills(client: Reader): Promise<readonly TierDrill[]> {
  return (await client.query<TierDrill>(LIST_TIER_DRILLS)).rows;
}
