/**
 * The exchange's market id from any usual spelling: `btc/usdt`, `BTC-USDT`, `BTC_USDT` and `BTCUSDT` are one. A blank
 * inside stays, and `isSymbol` refuses it: `BTCUSDT ETHUSDT`, a list without commas, was taken for one symbol.
 */
export function parseSymbol(text: string): string {
  return text
    .trim()
    .replace(/[/\-_]/g, "")
    .toUpperCase();
}

/** Whether the text can be a market id at all; only the exchange knows whether it exists. */
export function isSymbol(text: string): boolean {
  return /^[\p{L}\p{N}]{2,30}$/u.test(text);
}
