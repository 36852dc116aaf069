import { PG15, testDamage } from "../support/damage/matrix.ts";

testDamage(
  { binDir: PG15 },
  {
    sealed: ["a write is lost: the page is an older one"],
    open: ["three prices are ten times too high", "the leaf is truncated"],
  },
);
