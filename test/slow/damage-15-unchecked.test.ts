import { PG15, testDamage } from "../support/damage/matrix.ts";

testDamage(
  { binDir: PG15, checksums: false },
  {
    sealed: ["a bit flips in the index", "700 candles of a symbol are deleted"],
    open: ["the file lacks its last 5 pages"],
  },
);
