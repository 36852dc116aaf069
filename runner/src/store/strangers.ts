import type { StorePlace } from "./fault.ts";

/** Names that are shown; a folder of photographs has thousands. */
const SHOWN = 5;

/** What a listing met under a name that none of our objects has: said once, with the first names and the count. */
export function createStrangers(report: (text: string) => void, { tier, address }: StorePlace) {
  const shown: string[] = [];
  let count = 0;
  return {
    add(name: string): void {
      count += 1;
      if (shown.length < SHOWN) shown.push(name);
    },
    finish(): void {
      if (count === 0) return;
      const more = count > shown.length ? ` and ${count - shown.length} more` : "";
      const names = shown.map((name) => JSON.stringify(name)).join(", ");
      report(
        `${tier} (${address}) holds what R3A did not write: ${names}${more}. It is left alone; give the tier a place of its own`,
      );
    },
  };
}
