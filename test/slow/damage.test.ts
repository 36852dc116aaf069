import { testDamage } from "../support/damage/matrix.ts";

testDamage({}, { sealed: ["a bit flips in a price", "the leaf is dropped"], open: ["a page is zeroed"] });
