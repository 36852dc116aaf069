/** The exchange's market id from any usual spelling: `btc/usdt`, `BTC-USDT`, `BTC_USDT` and `BTCUSDT` are one. */
export function parseSymbol(text: string): string {
  return text
    .trim()
    .replace(/[/\-_\s]/g, "")
    .toUpperCase();
}

/** Whether the text can be a market id at all; only the exchange knows whether it exists. */
export function isSymbol(text: string): boolean {
  return /^[\p{L}\p{N}]{2,30}$/u.test(text);
}
