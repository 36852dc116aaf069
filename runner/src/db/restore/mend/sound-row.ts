import { type BackupLeaf, isAligned, widthOf } from "../../backup/backup-leaf.ts";
import { isSound } from "../../sound-candle.ts";

const DECIMALS = ["open", "high", "low", "close", "volume", "quote_volume", "taker_base", "taker_quote"];

/**
 * Whether a row `t` that lay in a damaged table can be a candle that one of our jobs stored: `isSound`, each number with the
 * digits that the exchange's may have (a flipped bit makes digits that print as other characters), a plain source, and an
 * open time that is the start of a slot or is marked as another one. True or false, never null.
 */
export const isSoundRow = (leaf: BackupLeaf) =>
  `(${[
    isSound(widthOf(leaf, "t")),
    ...DECIMALS.map((name) => String.raw`coalesce(t.${name}::text ~ '^\d{1,30}([.]\d{1,30})?$', true)`),
    `coalesce(t.source ~ '^[ -~]{1,40}$', true)`,
    `coalesce(t.flags between 0 and 1, true)`,
    `(${isAligned(leaf, "t")} or t.flags is not distinct from 1)`,
    `t."timestamp" <= now() + interval '2 min'`,
  ].join("\n  and ")})`;
