/** The check of r3a.leaf_damage has the same limit. */
const LONGEST_DETAIL = 500;

/**
 * Notes damage of a leaf: $1 leaf, $2 detector, $3 detail (cutDetail), $4 run or null. Damage that is open already keeps the
 * time and the run of its discovery.
 */
export const NOTE_DAMAGE = `
  insert into r3a.leaf_damage as d (leaf, detector, detail, found_run) values ($1, $2, $3, $4::uuid)
  on conflict (leaf, detector) where state = 'open' do update set last_seen_at = now(), detail = excluded.detail`;

/** A detail as the table takes it: the server counts characters, and stores no NUL. */
export function cutDetail(detail: string): string {
  const letters = [...detail.replaceAll("\0", " ")];
  return letters.length <= LONGEST_DETAIL
    ? letters.join("")
    : `${letters.slice(0, LONGEST_DETAIL - 1).join("")}…`;
}
