/**
 * The bounds are checked for the lowest and the highest price: in `numeric`, NaN is equal to itself and above infinity.
 */
const PRICES = `low > 0 and low <= open and low <= close and open <= high and close <= high and high < 'Infinity'`;

/** Databases of the old system have no values in these columns, which is no fault. */
const LATER_FIGURES = ["quote_volume", "taker_base", "taker_quote"];

/**
 * Whether a stored row can be a candle of its interval, as SQL over the columns of r3a.ohlcv_partitioned. The rules are
 * those that the parser has for the exchange's rows; here they are for rows that another program or an older version
 * wrote. `width` is an expression of the type `interval`, the width of the row's interval. The close may lie one slot
 * later, as some old databases write it.
 */
export const isSound = (width: string) => `((${PRICES} and volume >= 0 and volume < 'Infinity'
  ${LATER_FIGURES.map((name) => `and coalesce(${name} >= 0 and ${name} < 'Infinity', true)`).join(" ")}
  and coalesce(trades >= 0, true)
  and coalesce(close_time >= "timestamp" and close_time <= "timestamp" + ${width}, true)) is true)`;
