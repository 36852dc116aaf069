import { type Answer, jsonAnswer } from "./answer.ts";
import { type MarketSymbol, statusAt } from "./market.ts";
import { checkNames, findAsked, type Question, readList, wrongCombination } from "./parameters.ts";

function step(decimals: number): string {
  return (decimals === 0 ? 1 : 10 ** -decimals).toFixed(8);
}

function describe(entry: MarketSymbol, now: number, showPermissionSets: boolean): object {
  const spot = entry.permission === "SPOT";
  return {
    symbol: entry.symbol,
    status: statusAt(entry, now),
    baseAsset: entry.base,
    baseAssetPrecision: 8,
    quoteAsset: entry.quote,
    quotePrecision: 8,
    quoteAssetPrecision: 8,
    baseCommissionPrecision: 8,
    quoteCommissionPrecision: 8,
    orderTypes: [
      "LIMIT",
      "LIMIT_MAKER",
      "MARKET",
      "STOP_LOSS",
      "STOP_LOSS_LIMIT",
      "TAKE_PROFIT",
      "TAKE_PROFIT_LIMIT",
    ],
    icebergAllowed: true,
    ocoAllowed: true,
    otoAllowed: true,
    quoteOrderQtyMarketAllowed: true,
    allowTrailingStop: true,
    cancelReplaceAllowed: true,
    amendAllowed: true,
    isSpotTradingAllowed: spot,
    isMarginTradingAllowed: spot,
    filters: [
      {
        filterType: "PRICE_FILTER",
        minPrice: step(entry.priceDecimals),
        maxPrice: "922327.00000000",
        tickSize: step(entry.priceDecimals),
      },
      {
        filterType: "LOT_SIZE",
        minQty: step(entry.quantityDecimals),
        maxQty: "92141578.00000000",
        stepSize: step(entry.quantityDecimals),
      },
      {
        filterType: "NOTIONAL",
        minNotional: "5.00000000",
        applyMinToMarket: true,
        maxNotional: "9000000.00000000",
        applyMaxToMarket: false,
        avgPriceMins: 5,
      },
    ],
    permissions: [],
    permissionSets: showPermissionSets ? [spot ? ["SPOT", "MARGIN", "TRD_GRP_004"] : ["LEVERAGED"]] : [],
    defaultSelfTradePreventionMode: "EXPIRE_MAKER",
    allowedSelfTradePreventionModes: ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"],
  };
}

/** GET /api/v3/exchangeInfo: the symbols that are listed at `now` (ms), with their status then. */
export function answerExchangeInfo(question: Question): Answer {
  const { query, market, now, weightLimit } = question;
  checkNames(query, ["symbol", "symbols", "symbolStatus", "permissions", "showPermissionSets"]);
  const asked = findAsked(question);
  const status = query.get("symbolStatus");
  const permissions = readList(query, "permissions");
  if (asked && (status !== null || permissions)) throw wrongCombination();
  const symbols = (asked ?? market).filter((entry) => {
    const current = statusAt(entry, now);
    const allowed = permissions?.some(
      (name) => name === entry.permission || (name === "MARGIN" && entry.permission === "SPOT"),
    );
    return current !== null && (status === null || current === status) && (allowed ?? true);
  });
  const showPermissionSets = query.get("showPermissionSets") !== "false";
  return jsonAnswer({
    timezone: "UTC",
    serverTime: now,
    rateLimits: [
      // Infinity has no JSON form; a client without limit must not read null as 0.
      {
        rateLimitType: "REQUEST_WEIGHT",
        interval: "MINUTE",
        intervalNum: 1,
        limit: Number.isFinite(weightLimit) ? weightLimit : 1e9,
      },
      { rateLimitType: "ORDERS", interval: "SECOND", intervalNum: 10, limit: 100 },
      { rateLimitType: "ORDERS", interval: "DAY", intervalNum: 1, limit: 200_000 },
      { rateLimitType: "RAW_REQUESTS", interval: "MINUTE", intervalNum: 5, limit: 61_000 },
    ],
    exchangeFilters: [],
    symbols: symbols.map((entry) => describe(entry, now, showPermissionSets)),
  });
}
