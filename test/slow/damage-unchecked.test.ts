import { testDamage } from "../support/damage/matrix.ts";

testDamage(
  { checksums: false },
  {
    sealed: ["the file is gone", "two bits flip in the length of a value"],
    open: ["a bit flips in the length of a value", "the leaf is detached"],
  },
);
